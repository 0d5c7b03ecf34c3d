// The line under the header: which edit this is, and the ways to others.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { clock, stateWord } from "./words.js";

export class Looked {
    constructor(element, board, looking, act) {
        this.board = board;
        this.looking = looking;
        const button = (text, label, action, more = {}) =>
            make("button", { type: "button", class: "small", "aria-label": label, title: label, onclick: action, ...more }, text);
        this.older = button("‹", "Older edit (←)", () => looking.step(-1));
        this.newer = button("›", "Newer edit (→)", () => looking.step(1));
        this.text = make("span", { class: "which" });
        this.set = make("span", { class: "set" });
        this.arrived = make("button", { type: "button", class: "small arrived", hidden: true, onclick: () => looking.newest() },
            make("span"), " ", make("kbd", {}, "0"));
        this.with = make("select", { "aria-label": "Compare with edit" });
        this.with.addEventListener("change", () => looking.compare(Number(this.with.value)));
        this.compare = button("Compare", "Beside a former edit (c)", act.compare, { "aria-pressed": "false" });
        this.flick = button("Flick", "A former edit's figures in the same place (hold f)", act.flick, { "aria-pressed": "false" });
        element.append(this.older, this.newer, this.text, this.set, this.arrived,
            make("span", { class: "space" }), this.with, this.compare, this.flick);
        // The list is long only when somebody opens it.
        this.with.addEventListener("pointerdown", () => this.#fill());
        this.with.addEventListener("focus", () => this.#fill());
    }

    update(flicked) {
        const { board, looking } = this;
        const { edit } = looking;
        if (!edit) return;
        const comparing = board.edits.has(looking.against);
        const which = looking.isOld ? `Looking back at edit ${edit.number}` : `Edit ${edit.number}`;
        const state = looking.isOld ? ` · ${stateWord(edit)}` : "";
        setText(this.text, `${which}${state} · ${clock(edit.at)} · ${edit.changed}`);
        setText(this.set, Object.entries(edit.parameters ?? {}).map(([name, value]) => `${name} = ${value}`).join(", "));
        this.set.title = "Set on the command line";
        this.text.classList.toggle("old", looking.isOld);
        const newer = board.current - edit.number;
        setHidden(this.arrived, !looking.isOld);
        setText(this.arrived.firstElementChild, newer === 1 ? `Edit ${board.current} is newer: show it` : `${newer} are newer: show edit ${board.current}`);
        setAttribute(this.compare, "aria-pressed", comparing);
        setAttribute(this.flick, "aria-pressed", flicked !== null);
        this.compare.disabled = !comparing && board.edits.size < 2;
        this.flick.disabled = looking.other === null;
        setText(this.flick, flicked === null ? "Flick" : `Flick: edit ${flicked}`);
        setHidden(this.with, !comparing);
        if (comparing && this.with.value !== String(looking.against)) this.#fill();
        const numbers = [...board.edits.keys()];
        const at = comparing ? looking.against : edit.number;
        this.older.disabled = !numbers.some((n) => n < at);
        this.newer.disabled = !numbers.some((n) => n > at);
    }

    #fill() {
        const { board, looking } = this;
        const options = [...board.edits.values()].filter((e) => e.number !== looking.edit.number).reverse()
            .map((e) => make("option", { value: e.number }, `with edit ${e.number}, ${clock(e.at)}`));
        this.with.replaceChildren(...options);
        this.with.value = String(looking.against);
    }
}
