// The document itself as the source of the page's data, in place of a program: one edit, over, with everything that lies
// behind its addresses. `page/still.rs` and `page/points.rs` write it.

import { setAttribute, setHidden } from "./element.js";

/// An address of an output: its number, and a form of it or what lies behind one of its values.
const ADDRESS = /^edits\/\d+\/items\/(\d+)(?:\.(\w+)|\/([\w.]+))(?:\?(.*))?$/;
const MEDIA = { svg: "image/svg+xml", csv: "text/csv" };

export class Frozen {
    edits = false;
    palettes = false;
    formats = ["svg", "csv"];
    weights = "Written when the script runs; this file does not hold them.";
    #data;
    /// Addresses of what was made into a file.
    #files = new Map();

    /// From the element that holds the data.
    constructor(element) {
        this.#data = unpacked(element.textContent);
    }

    async follow(log) {
        try {
            const { status, edit } = await this.#data;
            log.setConnected(true);
            log.setStatus(status);
            log.setEdit(edit);
        } catch { /* `about` says why */ }
    }

    async ask() {}

    async json(address) {
        const { number, form, what, query } = parsed(address);
        const { items, pictures } = await this.#data;
        const item = items[number];
        if (form === "json" && item?.json) return item.json;
        if (what !== "point" || !item?.points) throw new Error("this file does not hold it");
        return pointOf(item, pictures, number, Object.fromEntries(
            [...new URLSearchParams(query)].map(([name, value]) => [name, Number(value)])));
    }

    async picture(address) {
        const { items, pictures } = await this.#data;
        const kept = /^pictures\/(\d+)$/.exec(address);
        if (kept) return this.#file(address, "svg", pictures[kept[1]].svg);
        const { number, form } = parsed(address);
        const text = items[number]?.[form];
        if (!text) throw new Error("this file does not hold it");
        return this.#file(`${number}.${form}`, form, text);
    }

    save(link, address, name) {
        setAttribute(link, "download", name);
        setHidden(link, true);
        this.picture(address).then((href) => {
            setAttribute(link, "href", href);
            setHidden(link, false);
        }, () => { /* it has no such form */ });
    }

    async about() {
        return (await this.#data).about;
    }

    /// An address of a text as a file.
    #file(key, form, text) {
        if (!this.#files.has(key)) {
            this.#files.set(key, URL.createObjectURL(new Blob([text], { type: MEDIA[form] })));
        }
        return this.#files.get(key);
    }
}

function parsed(address) {
    const [, number, form, what, query] = ADDRESS.exec(address) ?? [];
    return { number: Number(number), form, what, query };
}

async function unpacked(text) {
    if (!globalThis.DecompressionStream) {
        throw new Error("This browser is too old for this page: it cannot unpack the data inside. A current Chrome, Edge, Firefox or Safari shows it.");
    }
    try {
        const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
        return await new Response(stream).json();
    } catch (error) {
        throw new Error(`The data of this file are damaged, so it shows nothing (${error.message || error}). Ask for the file again.`);
    }
}

/// The details of a value, as the program gives them.
function pointOf({ points, place }, pictures, number, { part, i, j }) {
    const { command, texts } = points;
    if (!points.parts.length) throw new Error("this figure has too many values for all their details to be in the file");
    const { i: all, columns } = points.parts[part];
    const at = all.indexOf(i);
    if (at < 0) throw new Error("this file does not hold it");
    const rows = sourcesOf(columns[at], j).map(([row, depth]) => {
        const { p, o, s, f } = points.rows[row];
        const parameters = {};
        let words = command;
        for (let k = 0; k < p.length; k += 3) {
            parameters[texts[p[k]]] = texts[p[k + 1]];
            words += ` --only ${texts[p[k + 2]]}`;
        }
        return { parameters, depth: depth || null, over: texts[o], seed: s === null ? null : texts[s], fingerprint: f, command: words };
    });
    return { rows, place, ...picturesNear(points, pictures, number, part, i, j) };
}

/// Number of a row and depth of everything behind a value.
function sourcesOf(column, j) {
    if (column.r) return column.r.map((row) => [row, j + 1]);
    const cell = column.c[column.j.indexOf(j)] ?? [];
    return cell.flatMap((row, k) => (k % 2 ? [] : [[row, cell[k + 1]]]));
}

/// The pictures of the nearest value that has some, with the name of that value if it is another one.
function picturesNear(points, pictures, number, part, i, j) {
    const distance = (other) => Math.hypot(other.i - i, other.j - j);
    const near = pictures.map((picture, k) => ({ ...picture, k }))
        .filter((picture) => picture.item === number && picture.part === part)
        .sort((a, b) => distance(a) - distance(b))[0];
    if (!near) return { pictures: null };
    if (distance(near) === 0) return { pictures: `pictures/${near.k}` };
    const { i: all, columns } = points.parts[part];
    const [[row, depth] = []] = sourcesOf(columns[all.indexOf(near.i)], near.j);
    const { p, o } = points.rows[row];
    const names = [];
    for (let k = 0; k < p.length; k += 3) names.push(`${points.texts[p[k]]} = ${points.texts[p[k + 1]]}`);
    if (depth) names.push(`${points.texts[o]} ${depth}`);
    return { pictures: `pictures/${near.k}`, of: names.join(", ") };
}
