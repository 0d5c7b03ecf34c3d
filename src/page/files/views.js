// The selected edit, alone or beside another, and whether everything announced for it is on show.

import { EditView } from "./edit.js";
import { make, setAttribute } from "./element.js";

export class Views {
    /// The edit whose figures are shown in place of the selected one's for a moment; `null` when none.
    flicked = null;
    #main;
    #page;
    #log;
    #selection;
    #view;
    #beside = null;
    #updating = false;
    /// Placeholders in a comparison, where one edit lacks an item.
    #absent = [];

    constructor(main, page, log, selection) {
        this.#main = main;
        this.#page = page;
        this.#log = log;
        this.#selection = selection;
        this.#view = new EditView(page, "selected");
        main.append(this.#view.element);
    }

    /// Draws the selected edits. Called at every change that concerns them.
    update() {
        const { edit, against } = this.#selection;
        if (!edit) return;
        const other = this.#log.edits.get(against);
        if (other && !this.#beside) {
            this.flick(null);
            this.#beside = new EditView(this.#page, "beside");
            this.#main.prepend(this.#beside.element);
        } else if (!other && this.#beside) {
            this.#beside.closed();
            this.#beside = null;
        }
        this.#main.classList.toggle("pair", Boolean(other));
        setAttribute(this.#main, "data-test", other ? "compare" : null);
        this.#updating = true;
        this.#view.update(edit, this.#log.sourceOf(edit));
        this.#beside?.update(other, this.#log.sourceOf(other));
        this.#align();
        if (this.flicked !== null) this.#showFlicked();
        this.#updating = false;
        this.settled();
    }

    /// Whether a change of this edit changes what is shown.
    concerns(edit) {
        const seen = [this.#selection.edit, this.#log.edits.get(this.#selection.against), this.#log.edits.get(this.flicked)];
        return seen.some((other) => other && (other === edit || this.#log.sourceOf(other) === edit));
    }

    /// All cards, in their order on the page.
    cards() {
        return [this.#beside, this.#view].filter(Boolean).flatMap((view) => view.inOrder());
    }

    /// Shows another edit's figures in the same places.
    flick(number) {
        this.flicked = this.#log.edits.has(number) ? number : null;
        this.#showFlicked();
    }

    #showFlicked() {
        const edit = this.#log.edits.get(this.flicked);
        this.#view.flick(edit ? this.#log.sourceOf(edit) : null);
    }

    /// In a comparison, the same item of both edits shares a row; a placeholder says what one of them lacks.
    #align() {
        for (const element of this.#absent) element.remove();
        this.#absent = [];
        if (!this.#beside) {
            for (const card of this.#view.cards.values()) card.element.style.gridRow = "";
            return;
        }
        const [left, right] = [this.#beside, this.#view];
        // Title, diagnostics and notes come first, printed lines last; the cards' rows lie between.
        let row = 4;
        for (const key of merged([...left.cards.keys()], [...right.cards.keys()])) {
            for (const [view, other] of [[left, right], [right, left]]) {
                const card = view.cards.get(key);
                const element = card?.element ?? make("p", { class: "absent" },
                    `${other.cards.get(key).title.textContent} is not in edit ${view.edit.number}`);
                if (!card) {
                    this.#absent.push(element);
                    view.items.append(element);
                }
                element.style.gridRow = row;
            }
            row += 1;
        }
        this.#main.style.setProperty("--last", row);
    }

    /// Sets `data-shown` for tests and benchmarks: the edit and its state, once its pictures are there.
    settled() {
        const { edit } = this.#view;
        // During an update, cards that are not updated yet would seem to be settled.
        if (this.#updating) return;
        if (edit && this.#view.settled && (this.#beside?.settled ?? true)) {
            setAttribute(document.documentElement, "data-shown", `${edit.number}:${edit.state}`);
        }
    }
}

/// Merges two orders: the right one's, with what only the left one has after its predecessor there.
function merged(left, right) {
    const all = [...right];
    left.forEach((key, i) => {
        if (!all.includes(key)) all.splice(i === 0 ? 0 : all.indexOf(left[i - 1]) + 1, 0, key);
    });
    return all;
}
