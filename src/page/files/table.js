// A table. A click on a heading sorts it; columns with a single value are listed once above it.

import { Card, saveLink } from "./card.js";
import { make, setAttribute, setHidden, setText } from "./element.js";
import { source as data } from "./source.js";
import { count } from "./words.js";

/// Rows shown at first; a button shows the rest.
const FIRST_ROWS = 200;
/// Shortest time between two requests while a table grows, in milliseconds.
const PAUSE = 300;

export class TableCard extends Card {
    #table = null;
    #sort = null;                           // [column, 1 or −1]
    #every = false;
    #all = false;
    #of = "";
    #busy = false;

    constructor(page) {
        super("table");
        this.page = page;
        this.link = saveLink("CSV", "Save as CSV");
        this.columns = make("button", {
            type: "button", class: "small", "aria-pressed": "false", onclick: () => {
                this.#every = !this.#every;
                this.#draw();
            },
        }, "All columns");
        this.actions.append(this.columns, this.link);
        this.same = make("p", { class: "same" });
        this.headings = make("tr");
        this.rows = make("tbody");
        this.scroll = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Rows" },
            make("table", {}, make("thead", {}, this.headings), this.rows));
        this.more = make("button", {
            type: "button", class: "small more", hidden: true, onclick: () => {
                this.#all = true;
                this.#draw();
            },
        });
        this.element.append(this.same, this.scroll, this.more);
    }

    update(item, index, source, edit) {
        super.update(item, index, source, edit);
        data.save(this.link, this.url(".csv"), item.name?.endsWith(".csv") ? item.name : `${item.name || "table"}.csv`);
        this.wanted = this.url(".json", `?rev=${item.rev}&of=${this.page.program}`);
        void this.#fetch();
    }

    async #fetch() {
        if (this.#busy) return;
        this.#busy = true;
        for (;;) {
            const [url, { rev }] = [this.wanted, this.item];
            if (url === this.#of) break;
            this.#of = url;
            try {
                this.#table = await data.json(url);
                setAttribute(this.element, "data-rev", rev);
                this.#draw();
            } catch { /* the next revision tries again */ }
            await new Promise((done) => setTimeout(done, PAUSE));
        }
        this.#busy = false;
    }

    #draw() {
        const { columns, varying, rows, texts } = this.#table;
        const vary = columns.map((_, i) => i).filter((i) => varying[i]);
        const some = vary.length > 0 && vary.length < columns.length;
        const shown = some && !this.#every ? vary : columns.map((_, i) => i);
        setHidden(this.columns, !some);
        setAttribute(this.columns, "aria-pressed", this.#every);
        const same = some && rows.length && !this.#every ? columns.map((_, i) => i).filter((i) => !varying[i]) : [];
        setText(this.same, same.map((i) => `${columns[i]} = ${texts[0][i]}`).join(", "));
        setHidden(this.same, same.length === 0);

        const numeric = (i) => rows.every((row) => row[i] === null || typeof row[i] === "number" || !Number.isNaN(float(row[i])) || row[i] === "nan");
        const right = new Set(shown.filter(numeric));
        const focused = this.headings.contains(document.activeElement) ? document.activeElement.dataset.column : null;
        this.headings.replaceChildren(...shown.map((i) => this.#heading(i, right.has(i))));
        if (focused !== null) this.headings.querySelector(`[data-column="${focused}"]`)?.focus();

        const sorted = rows.map((_, row) => row);
        if (this.#sort) sorted.sort(order(rows, ...this.#sort));
        const visible = this.#all ? sorted : sorted.slice(0, FIRST_ROWS);
        this.rows.replaceChildren(...visible.map((row) => make("tr", {}, shown.map((i) => {
            const cell = make("td", { class: right.has(i) ? "right" : null }, texts[row][i]);
            if (typeof rows[row][i] === "number") cell.title = String(rows[row][i]);
            return cell;
        }))));
        setHidden(this.more, visible.length === rows.length);
        setText(this.more, `Show all ${count(rows.length, "row")}`);
    }

    #heading(column, right) {
        const direction = this.#sort?.[0] === column ? this.#sort[1] : 0;
        const button = make("button", {
            type: "button", "data-column": column, onclick: () => {
                // Ascending, descending, and the script's order.
                this.#sort = direction === 0 ? [column, 1] : direction === 1 ? [column, -1] : null;
                this.#draw();
            },
        }, this.#table.columns[column], make("span", { "aria-hidden": "true" }, { 1: " ▴", [-1]: " ▾" }[direction] ?? ""));
        const sort = { 1: "ascending", [-1]: "descending" }[direction] ?? "none";
        return make("th", { scope: "col", class: right ? "right" : null, "aria-sort": sort }, button);
    }
}

/// JSON has no infinities: the server's strings as numbers to sort by.
function float(value) {
    if (value === "inf") return Infinity;
    if (value === "-inf") return -Infinity;
    return typeof value === "number" ? value : NaN;
}

/// The rows' numbers by a column: numbers before words, what is missing last in both directions.
function order(rows, column, direction) {
    return (a, b) => {
        const [left, right] = [rows[a][column], rows[b][column]];
        if (left === null || right === null) return (left === null) - (right === null);
        const [x, y] = [left, right].map((v) => (typeof v === "boolean" ? Number(v) : float(v)));
        if (Number.isNaN(x) && Number.isNaN(y)) return direction * String(left).localeCompare(String(right), undefined, { numeric: true });
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return direction * (x === y ? 0 : x < y ? -1 : 1);
    };
}
