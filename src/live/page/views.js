// The edit looked at, alone or beside another, and whether all that was announced of it is to be seen.

import { EditView } from "./edit.js";
import { make, setAttribute } from "./element.js";

export class Views {
    /// The edit whose figures show for a moment in place of the others'; `null` when none.
    flicked = null;
    #main;
    #page;
    #board;
    #looking;
    #view;
    #beside = null;
    #updating = false;
    /// What stands in a comparison where one edit lacks an item.
    #absent = [];

    constructor(main, page, board, looking) {
        this.#main = main;
        this.#page = page;
        this.#board = board;
        this.#looking = looking;
        this.#view = new EditView(page, "looked");
        main.append(this.#view.element);
    }

    /// Draws what is looked at. Called at every change that concerns it.
    update() {
        const { edit, against } = this.#looking;
        if (!edit) return;
        const other = this.#board.edits.get(against);
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
        this.#view.update(edit, this.#board.sourceOf(edit));
        this.#beside?.update(other, this.#board.sourceOf(other));
        this.#align();
        if (this.flicked !== null) this.#showFlicked();
        this.#updating = false;
        this.settled();
    }

    /// Whether a change of this edit is to be seen.
    concerns(edit) {
        const seen = [this.#looking.edit, this.#board.edits.get(this.#looking.against), this.#board.edits.get(this.flicked)];
        return seen.some((other) => other && (other === edit || this.#board.sourceOf(other) === edit));
    }

    /// All cards, in the order in which they stand.
    cards() {
        return [this.#beside, this.#view].filter(Boolean).flatMap((view) => view.inOrder());
    }

    /// Shows another edit's figures in the same places.
    flick(number) {
        this.flicked = this.#board.edits.has(number) ? number : null;
        this.#showFlicked();
    }

    #showFlicked() {
        const edit = this.#board.edits.get(this.flicked);
        this.#view.flick(edit ? this.#board.sourceOf(edit) : null);
    }

    /// In a comparison the same item of both edits shares a row, and what one of them lacks is said.
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

    /// Says for tests and measurements what can be seen: the edit's state, once its pictures are there.
    settled() {
        const { edit } = this.#view;
        // Half way through an update the cards not yet reached only seem to be done.
        if (this.#updating) return;
        if (edit && this.#view.settled && (this.#beside?.settled ?? true)) {
            setAttribute(document.documentElement, "data-shown", `${edit.number}:${edit.state}`);
        }
    }
}

/// Two orders as one: the right one's, with what only the left has after what it follows there.
function merged(left, right) {
    const all = [...right];
    left.forEach((key, i) => {
        if (!all.includes(key)) all.splice(i === 0 ? 0 : all.indexOf(left[i - 1]) + 1, 0, key);
    });
    return all;
}
