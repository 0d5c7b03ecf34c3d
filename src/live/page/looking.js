// Which edit the reader looks at: the newest as it comes, or a former one; and which other it is compared with. Kept in
// the address (`#edit=5`, `#edit=7&with=5`), so that a link leads to the same view.

export class Looking {
    /// `null` follows the newest.
    number = null;
    /// The edit beside it; `null` shows one only.
    against = null;
    #board;
    #last = null;
    #listeners = [];

    constructor(board) {
        this.#board = board;
        this.#read();
        addEventListener("hashchange", () => {
            this.#read();
            this.#tell();
        });
    }

    on(listener) {
        this.#listeners.push(listener);
    }

    /// The edit to show. One that is not known (any more) shows the newest.
    get edit() {
        return this.#board.edits.get(this.number) ?? this.#board.newest;
    }

    get isOld() {
        return this.edit !== null && this.edit.number !== this.#board.current;
    }

    at(number) {
        this.number = number === this.#board.current ? null : number;
        if (this.against === number) this.against = null;
        this.#write();
    }

    compare(number) {
        this.#last = number ?? this.#last;
        this.against = number;
        this.#write();
    }

    newest() {
        this.number = null;
        this.#write();
    }

    /// To the next older (−1) or newer (+1) edit.
    step(by) {
        const numbers = [...this.#board.edits.keys()].sort((a, b) => a - b);
        const from = this.against ?? this.edit?.number;
        const next = numbers[numbers.indexOf(from) + by];
        if (next === undefined) return;
        if (this.against === null) this.at(next);
        else if (next !== this.edit.number) this.compare(next);
    }

    /// The edit that a comparison begins with: the newest before the shown one that has figures of its own.
    get former() {
        const shown = this.edit && this.#board.sourceOf(this.edit).number;
        let former = null;
        for (const edit of this.#board.edits.values()) {
            const own = edit.kept && edit.figures_of === edit.number && edit.items.length > 0;
            if (own && edit.number < shown && edit.number > (former ?? 0)) former = edit.number;
        }
        return former;
    }

    /// The edit to flick to: the one beside, or last beside, or the former one.
    get other() {
        const last = this.#board.edits.get(this.against ?? this.#last);
        return last?.kept && last.number !== this.edit?.number ? last.number : this.former;
    }

    /// A new start of the program has other edits.
    forget() {
        this.number = this.against = this.#last = null;
        this.#write();
    }

    #read() {
        const hash = new URLSearchParams(location.hash.slice(1));
        const number = (name) => (/^\d+$/.test(hash.get(name) ?? "") ? Number(hash.get(name)) : null);
        this.number = number("edit");
        this.against = number("with");
    }

    #write() {
        const hash = new URLSearchParams();
        if (this.number !== null) hash.set("edit", this.number);
        if (this.against !== null) hash.set("with", this.against);
        const text = hash.size ? `#${hash}` : "";
        history.replaceState(null, "", location.pathname + location.search + text);
        this.#tell();
    }

    #tell() {
        for (const listener of this.#listeners) listener();
    }
}
