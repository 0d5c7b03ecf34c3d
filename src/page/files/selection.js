// The selected edit, the newest or a former one, and the edit that it is compared with. Both are kept in the address
// (`#edit=5`, `#edit=7&with=5`), so that a link leads to the same view.

export class Selection {
    /// `null` follows the newest.
    number = null;
    /// The edit beside it; `null` shows one only.
    against = null;
    #log;
    #last = null;
    #listeners = [];

    constructor(log) {
        this.#log = log;
        this.#read();
        addEventListener("hashchange", () => {
            this.#read();
            this.#notify();
        });
    }

    on(listener) {
        this.#listeners.push(listener);
    }

    /// The edit to show: the newest, if the selected one is unknown.
    get edit() {
        return this.#log.edits.get(this.number) ?? this.#log.newest;
    }

    get isOld() {
        return this.edit !== null && this.edit.number !== this.#log.current;
    }

    select(number) {
        this.number = number === this.#log.current ? null : number;
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
        const numbers = [...this.#log.edits.keys()].sort((a, b) => a - b);
        const from = this.against ?? this.edit?.number;
        const next = numbers[numbers.indexOf(from) + by];
        if (next === undefined) return;
        if (this.against === null) this.select(next);
        else if (next !== this.edit.number) this.compare(next);
    }

    /// The edit that a comparison begins with: the newest before the selected one that has figures of its own.
    get former() {
        const shown = this.edit && this.#log.sourceOf(this.edit).number;
        let former = null;
        for (const edit of this.#log.edits.values()) {
            const own = edit.kept && edit.figures_of === edit.number && edit.items.length > 0;
            if (own && edit.number < shown && edit.number > (former ?? 0)) former = edit.number;
        }
        return former;
    }

    /// The edit to flick to: the one beside, or last beside, or the former one.
    get other() {
        const last = this.#log.edits.get(this.against ?? this.#last);
        return last?.kept && last.number !== this.edit?.number ? last.number : this.former;
    }

    /// Called when a new start of the program has other edits.
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
        this.#notify();
    }

    #notify() {
        for (const listener of this.#listeners) listener();
    }
}
