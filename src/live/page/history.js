// The edits, newest first. A message touches the one row that it is about.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { clock, counts, stateWord } from "./words.js";

export class History {
    #list;
    #rows = new Map();
    #marked = [];
    #looked;
    #beside;
    #looking;

    constructor(list, looking) {
        this.#list = list;
        this.#looking = looking;
        list.addEventListener("click", (event) => {
            const button = event.target.closest("button");
            if (!button) return;
            const number = Number(button.dataset.number);
            // In a comparison, another edit comes beside the one looked at.
            if (looking.against !== null && number !== looking.edit?.number) looking.compare(number);
            else looking.at(number);
        });
    }

    update(edit) {
        const row = this.#rows.get(edit.number) ?? this.#add(edit.number);
        setText(row.time, clock(edit.at));
        setText(row.changed, edit.changed);
        setText(row.state, stateWord(edit));
        setAttribute(row.state, "data-state", edit.state === "done" && edit.failed ? "failed" : edit.state);
        const ran = !["checking", "waiting", "noted", "broken"].includes(edit.state) || edit.computed + edit.reused + edit.failed > 0;
        // The time's unit stays with its number.
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
        // Newest first; edits come in their order but for a first one after a reconnection.
        const before = [...this.#list.children].find((li) => Number(li.firstElementChild.dataset.number) < number);
        this.#list.insertBefore(row.element, before ?? null);
        return row;
    }

    /// Marks the edits that are looked at.
    mark() {
        const { edit, against } = this.#looking;
        const looked = this.#rows.get(edit?.number);
        const beside = this.#rows.get(against);
        // Scrolling to a row asks for the layout, which a running edit's messages must not.
        if (looked === this.#looked && beside === this.#beside) return;
        [this.#looked, this.#beside] = [looked, beside];
        for (const row of this.#marked) {
            setAttribute(row.button, "aria-current", null);
            setHidden(row.beside, true);
        }
        this.#marked = [looked, beside].filter(Boolean);
        if (beside) setHidden(beside.beside, false);
        if (!looked) return;
        setAttribute(looked.button, "aria-current", "true");
        // The arrow keys lead the focus along.
        if (this.#list.contains(document.activeElement)) (beside ?? looked).button.focus({ preventScroll: true });
        const row = (beside ?? looked).element;
        const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
        const panel = this.#list.parentElement;
        if (top < panel.scrollTop || bottom > panel.scrollTop + panel.clientHeight) row.scrollIntoView({ block: "nearest" });
    }

    forget() {
        this.#rows.clear();
        this.#marked = [];
        this.#looked = this.#beside = undefined;
        this.#list.replaceChildren();
    }
}
