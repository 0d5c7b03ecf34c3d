// Counts, times of day, and an edit's state and progress in words. Durations and sizes arrive as words.

// Made once, since making one takes a millisecond.
const whole = new Intl.NumberFormat("en");
const timeOfDay = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function count(n, word) {
    return `${whole.format(n)} ${word}${n === 1 ? "" : "s"}`;
}

export function clock(ms) {
    return timeOfDay.format(ms);
}

/// The word for an edit's state.
export function stateWord(edit) {
    return edit.state === "done" && edit.failed ? `done, ${edit.failed} failed` : edit.state;
}

/// An edit's progress in one line.
export function progressLine(edit) {
    const { plan, progress, state } = edit;
    if (progress && (state === "running" || state === "waiting")) {
        const left = progress.left === null ? "" : `, ${progress.left} left`;
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
    return `${plan.missing} of ${count(points, "point")}, ${plan.time}; ${plan.reused} reused`;
}

/// "3 computed, 42 reused, 1 failed, 0.3 s".
export function counts(edit) {
    const failed = edit.failed ? `, ${edit.failed} failed` : "";
    return `${edit.computed} computed, ${edit.reused} reused${failed}, ${edit.took}`;
}

/// "12 of 48, about 2 min left"; empty when complete. The time left is shown only while the edit runs.
export function itemProgress(item, runs) {
    if (item.done === undefined || item.done >= item.points) return "";
    return `${item.done} of ${item.points}${runs && item.left ? `, ${item.left} left` : ""}`;
}
