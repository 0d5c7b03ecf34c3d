// The recipe, for people: what it is about, above the figures; the script, parameters, what it rests on, and how to rerun it,
// below them. Its parts: `title`, `description`, `authors`, `licence`, `doi`, `marks`, `files`, `parameters`, `only`, `lock`,
// `rerun`; any may be missing.

import { copyButton, make } from "./element.js";
import { words } from "./rhai.js";

const KINDS = { script: "script", module: "module of the project", "built-in": "module of the program" };

/// The element above the figures.
export function recipeHead(about) {
    const { title, authors = [], description, licence, doi, marks = [] } = about;
    const facts = [
        authors.length ? make("span", {}, authors.join(", ")) : null,
        licence ? make("span", {}, licence) : null,
        doi ? make("span", {}, "DOI ", doiLink(doi)) : null,
    ].filter(Boolean);
    return make("section", { class: "about", "data-test": "about", "aria-label": "About this recipe" },
        title ? make("h2", {}, title) : null,
        facts.length ? make("p", { class: "facts" }, facts) : null,
        description ? make("p", { class: "description" }, description) : null,
        make("p", { class: "packed" }, "Numbers as packed by their author; ", make("code", {}, `entroscope recipe verify ${fileName()}`),
            " computes them again."),
        ...marks.map((mark) => make("p", { class: "packed" }, mark)));
}

/// The element below the figures.
export function recipePanel(about) {
    const { files = [], parameters = {}, only = [], lock = [], rerun = [] } = about;
    const names = Object.entries(parameters);
    return make("section", { class: "recipe", id: "recipe-panel", tabindex: "-1", "aria-labelledby": "recipe-title", "data-test": "recipe" },
        make("h2", { id: "recipe-title" }, "Recipe"),
        make("div", { class: "facts-of" },
            rerun.length || names.length || only.length ? make("section", { class: "card" },
                rerun.length ? [make("h3", {}, "Run it again"), ...rerun.map((command) => make("div", { class: "copied" },
                    make("code", {}, command), copyButton(command, `the command ${command}`)))] : [],
                names.length ? [make("h3", {}, "Parameters"), parameterTable(names)] : [],
                only.length ? [make("h3", {}, "Only"), make("p", {}, only.map((one) => (Array.isArray(one) ? one.join(" = ") : String(one))).join(", "))] : [],
            ) : null,
            lock.length ? make("section", { class: "card" }, make("h3", {}, "What the numbers rest on"),
                make("dl", {}, lock.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))))) : null),
        ...files.map(fileView));
}

function parameterTable(parameters) {
    const row = ([name, of]) => {
        const { value, default: usual } = typeof of === "object" && of !== null ? of : { value: of };
        const changed = usual !== undefined && usual !== null && String(usual) !== String(value);
        return make("tr", {}, make("td", {}, make("code", {}, name)), make("td", { class: changed ? "changed" : null }, String(value)),
            make("td", { class: "quiet" }, changed ? `instead of ${usual}` : ""));
    };
    return make("table", { "data-test": "parameters" }, make("tbody", {}, parameters.map(row)));
}

/// A script or module; only the script itself is open at first.
function fileView({ name, text, kind }) {
    const lines = text.replace(/\n$/, "").split("\n").length;
    const numbers = Array.from({ length: lines }, (_, i) => i + 1).join("\n");
    return make("details", { class: "card file", open: kind === "script", "data-test": "file" },
        make("summary", {}, make("b", {}, name), make("span", { class: "quiet" }, `${KINDS[kind] ?? kind}, ${lines} ${lines === 1 ? "line" : "lines"}`)),
        copyButton(text, name),
        make("div", { class: "listing", tabindex: "0", role: "group", "aria-label": `Text of ${name}` },
            make("pre", { class: "numbers", "aria-hidden": "true" }, numbers),
            make("pre", { class: "rhai" }, words(text.replace(/\n$/, "")).map(([word, part]) => (word === "plain" ? part : make("span", { class: word }, part))))));
}

function doiLink(doi) {
    const name = doi.replace(/^(https?:\/\/(dx\.)?doi\.org\/|doi:)/i, "");
    return /^10\.\d{4,9}\/\S+$/.test(name)
        ? make("a", { href: `https://doi.org/${encodeURI(name)}`, rel: "noreferrer" }, name)
        : doi;
}

/// This file's name, where a command can hold it as it is.
function fileName() {
    let name = "";
    try {
        name = decodeURIComponent(location.pathname.split("/").pop());
    } catch { /* no name that could be shown */ }
    return /^[\w.-]+$/.test(name) ? name : "FILE";
}
