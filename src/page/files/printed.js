// What the script printed.

import { make, setHidden, setText } from "./element.js";
import { count } from "./words.js";

/// A loop may print thousands of lines: only the last ones are shown at first.
const LAST_LINES = 200;

export class Printed {
    #edit = null;
    #lines = 0;
    #all = false;

    constructor() {
        this.more = make("button", { type: "button", class: "small", hidden: true, onclick: () => {
            this.#all = true;
            this.#draw();
        } });
        this.text = make("pre", { tabindex: "0" });
        this.element = make("section", { class: "printed", "data-test": "printed", "aria-label": "Printed", hidden: true },
            make("h3", {}, "Printed"), this.more, this.text);
    }

    update(edit) {
        const another = this.#edit?.number !== edit.number;
        if (another) this.#all = false;
        // Within an edit, lines are only appended.
        const changed = another || edit.printed.length !== this.#lines;
        this.#edit = edit;
        this.#lines = edit.printed.length;
        if (changed) this.#draw();
    }

    #draw() {
        const { printed } = this.#edit;
        setHidden(this.element, printed.length === 0);
        const shown = this.#all ? printed : printed.slice(-LAST_LINES);
        setText(this.text, shown.join("\n"));
        setHidden(this.more, shown.length === printed.length);
        setText(this.more, `Show all ${count(printed.length, "line")}`);
    }
}
