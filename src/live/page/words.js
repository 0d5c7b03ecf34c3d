// Times, sizes, counts and states in words, as the terminal says them.

/// "about 4 min", "about 2 h".
export function time(seconds) {
    if (seconds < 1) return "less than a second";
    if (seconds < 90) return `about ${Math.round(seconds)} s`;
    if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
    return `about ${(seconds / 3600).toFixed(1).replace(/\.0$/, "")} h`;
}

/// What has been measured, not estimated: "0.3 s", "12 min".
export function taken(seconds) {
    if (seconds < 10) return `${seconds.toFixed(seconds < 0.1 && seconds > 0 ? 2 : 1)} s`;
    return time(seconds).replace("about ", "");
}

/// "3.1 GiB".
export function size(bytes) {
    const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
    return `${(bytes / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

// Made once: making one takes a millisecond.
const whole = new Intl.NumberFormat("en");
const timeOfDay = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function count(n, word) {
    return `${whole.format(n)} ${word}${n === 1 ? "" : "s"}`;
}

export function clock(ms) {
    return timeOfDay.format(ms);
}

const STATES = {
    checking: "checking",
    waiting: "waiting",
    running: "running",
    done: "done",
    broken: "broken",
    superseded: "superseded",
    interrupted: "interrupted",
    noted: "noted",
};

/// The word for an edit's state.
export function stateWord(edit) {
    if (edit.state === "done" && edit.failed) return `done, ${edit.failed} failed`;
    return STATES[edit.state] ?? edit.state;
}

/// One line on how far an edit is, or was.
export function progressLine(edit) {
    const { plan, progress, state } = edit;
    if (progress && (state === "running" || state === "waiting")) {
        const left = progress.left === null ? "" : `, ${time(progress.left)} left`;
        return `${progress.done} of ${count(progress.points, "point")}${left}`;
    }
    if (state === "done" || state === "superseded" || state === "interrupted") return counts(edit);
    if (plan && (state === "waiting" || state === "running")) return planLine(plan);
    return "";
}

/// "6 of 48 points, about 4 min; 42 reused".
export function planLine(plan) {
    const points = plan.missing + plan.reused;
    if (!plan.missing) return `nothing to compute, ${count(points, "point")} reused`;
    return `${plan.missing} of ${count(points, "point")}, ${time(plan.seconds)}; ${plan.reused} reused`;
}

/// "3 computed, 42 reused, 1 failed, 0.3 s".
export function counts(edit) {
    const failed = edit.failed ? `, ${edit.failed} failed` : "";
    return `${edit.computed} computed, ${edit.reused} reused${failed}, ${taken(edit.seconds)}`;
}

/// "12 of 48, about 2 min left"; empty when complete. Nothing comes any more of an edit that does not run.
export function itemProgress(item, runs) {
    if (item.done === undefined || item.done >= item.points) return "";
    return `${item.done} of ${item.points}${runs && item.left ? `, ${time(item.left)} left` : ""}`;
}
