// The list of edits, newest first. An event changes only the row of its edit.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { clock, counts, stateWord } from "./words.js";

export class History {
    #list;
    #rows = new Map();
    #marked = [];
    #selected;
    #beside;
    #selection;

    constructor(list, selection) {
        this.#list = list;
        this.#selection = selection;
        list.addEventListener("click", (event) => {
            const button = event.target.closest("button");
            if (!button) return;
            const number = Number(button.dataset.number);
            // In a comparison, another edit comes beside the selected one.
            if (selection.against !== null && number !== selection.edit?.number) selection.compare(number);
            else selection.select(number);
        });
    }

    update(edit) {
        const row = this.#rows.get(edit.number) ?? this.#add(edit.number);
        setText(row.time, clock(edit.at));
        setText(row.changed, edit.changed);
        setText(row.state, stateWord(edit));
        setAttribute(row.state, "data-state", edit.state === "done" && edit.failed ? "failed" : edit.state);
        const ran = !["checking", "waiting", "noted", "broken"].includes(edit.state) || edit.computed + edit.reused + edit.failed > 0;
        // No line break between a number and its unit.
        setText(row.counts, ran ? counts(edit).replace(/ (s|min|h)$/, "\u00a0$1") : "");
        setHidden(row.counts, !ran);
        row.button.classList.toggle("gone", !edit.kept);
        setAttribute(row.button, "title", edit.kept ? null : "Its figures are no longer in memory");
    }

    #add(number) {
        const row = {
            time: make("span", { class: "time" }),
            changed: make("span", { class: "changed" }),
            state: make("span", { class: "state" }),
            counts: make("span", { class: "counts" }),
            beside: make("span", { class: "beside", hidden: true }, "beside"),
        };
        row.button = make("button", { type: "button", "data-test": "history-edit", "data-number": number },
            make("span", { class: "first" }, make("b", {}, String(number)), row.time, row.beside, row.state), row.changed, row.counts);
        row.element = make("li", {}, row.button);
        this.#rows.set(number, row);
        // Edits arrive in order, except the first one after a reconnection.
        const before = [...this.#list.children].find((li) => Number(li.firstElementChild.dataset.number) < number);
        this.#list.insertBefore(row.element, before ?? null);
        return row;
    }

    /// Marks the selected edits.
    mark() {
        const { edit, against } = this.#selection;
        const selected = this.#rows.get(edit?.number);
        const beside = this.#rows.get(against);
        // Scrolling to a row forces a layout, which must not happen at every event of a running edit.
        if (selected === this.#selected && beside === this.#beside) return;
        [this.#selected, this.#beside] = [selected, beside];
        for (const row of this.#marked) {
            setAttribute(row.button, "aria-current", null);
            setHidden(row.beside, true);
        }
        this.#marked = [selected, beside].filter(Boolean);
        if (beside) setHidden(beside.beside, false);
        if (!selected) return;
        setAttribute(selected.button, "aria-current", "true");
        // The focus follows the arrow keys.
        if (this.#list.contains(document.activeElement)) (beside ?? selected).button.focus({ preventScroll: true });
        const row = (beside ?? selected).element;
        const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
        const panel = this.#list.parentElement;
        if (top < panel.scrollTop || bottom > panel.scrollTop + panel.clientHeight) row.scrollIntoView({ block: "nearest" });
    }

    forget() {
        this.#rows.clear();
        this.#marked = [];
        this.#selected = this.#beside = undefined;
        this.#list.replaceChildren();
    }
}
