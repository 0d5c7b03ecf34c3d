// The header: the edit's state, its progress, and what waits for the reader.

import { setAttribute, setHidden, setText } from "./element.js";
import { planLine, progressLine, stateWord } from "./words.js";

export class Header {
    #log;
    #say;
    #said = "";
    #find = (id) => document.getElementById(id);

    constructor(log, say) {
        this.#log = log;
        this.#say = say;
        this.script = this.#find("script");
        this.state = this.#find("state");
        this.progress = this.#find("progress");
        this.meter = this.#find("meter");
        this.pause = this.#find("pause");
        this.paused = this.#find("paused-band");
        this.waiting = this.#find("waiting-band");
    }

    update() {
        const log = this.#log;
        const edit = log.newest;
        setText(this.script, (log.script || "Entroscope").split("/").pop());
        setAttribute(this.script, "title", log.script ? `${log.script} · Entroscope ${log.version}` : null);
        const [state, word] = this.#state(edit);
        setText(this.state, word);
        setAttribute(this.state, "data-state", state);
        const line = edit ? progressLine(edit) : "";
        const at = edit?.state === "running" && edit.progress?.at;
        setText(this.progress, at ? `${line} · ${at}` : line);
        this.#meter(edit);
        document.documentElement.classList.toggle("away", !log.connected && Boolean(edit));
        this.pause.classList.toggle("absent", log.paused);
        this.#bands(edit);
        const title = this.#title(state, edit);
        if (document.title !== title) document.title = title;
        // Screen readers hear the state only, not percentages ten times a second.
        const said = edit ? `Edit ${edit.number}: ${word}` : word;
        if (said !== this.#said) {
            this.#said = said;
            this.#say(state === "broken" ? `${said}. ${edit.diagnostics[0]?.message ?? ""}` : said);
        }
    }

    #state(edit) {
        if (!this.#log.connected) return ["unconnected", edit ? "not connected, trying again" : "connecting"];
        if (this.#log.paused) return ["paused", "paused"];
        if (!edit) return ["checking", "no edit yet"];
        return [edit.state === "done" && edit.failed ? "failed" : edit.state, stateWord(edit)];
    }

    #meter(edit) {
        const running = edit?.state === "running";
        const share = edit?.state === "done" ? 1 : (edit?.progress?.share ?? 0);
        const percent = Math.round(share * 100);
        this.meter.firstElementChild.style.transform = `scaleX(${share})`;
        setAttribute(this.meter, "aria-valuenow", percent);
        setAttribute(this.meter, "aria-valuetext", edit ? progressLine(edit) || stateWord(edit) : "");
        setAttribute(this.meter, "data-state", edit?.state ?? "");
        // Where progress is unknown, the meter shows only that something is going on.
        this.meter.classList.toggle("unknown", edit?.state === "checking" || (running && !edit.progress));
    }

    #bands(edit) {
        const { paused, askAbove, noted } = this.#log;
        setHidden(this.paused, !paused);
        setText(this.paused.firstElementChild, noted
            ? `Paused. An edit was noted, not run: ${noted.changed}.`
            : "Paused. Edits are noted, not run.");
        const waits = edit?.state === "waiting" && !paused;
        setHidden(this.waiting, !waits);
        if (!waits) return;
        const { plan } = edit;
        const memory = plan?.memory ? `, up to ${plan.memory} of memory` : "";
        const asks = askAbove ? ` Runs longer than ${askAbove} ask first.` : "";
        setText(this.waiting.firstElementChild, plan ? `Ready: ${planLine(plan)}${memory}.${asks}` : `Ready.${asks}`);
        setText(this.waiting.lastElementChild.firstElementChild, plan ? `Run it: ${plan.time}` : "Run it");
    }

    #title(state, edit) {
        if (this.#log.title) return this.#log.title;
        const name = (this.#log.script || "Entroscope").split("/").pop().replace(/\.rhai$/, "");
        if (state === "running") return `${edit.progress ? `${Math.floor(edit.progress.share * 100)}% ` : "running "}${name}`;
        if (state === "done") return `done · ${name}`;
        if (state === "unconnected") return edit ? `not connected · ${name}` : name;
        return `${this.state.textContent} · ${name}`;
    }
}
