// The words of a script by kind, for its colours.

const KEYWORDS = new Set(("let const if else switch while loop do until for in continue break return throw try catch fn private " +
    "import export as true false this global").split(" "));

/// In this order; the first that matches counts.
const KINDS = [
    ["doc", /\/\/[/!][^\n]*/y],
    ["comment", /\/\/[^\n]*/y],
    ["string", /"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\\n])+'|`(?:``|[^`])*`?/y],
    ["number", /0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(?:\.(?![.a-z_])[\d_]*)?(?:e[+-]?\d+)?/yi],
    ["space", /\p{ID_Start}\w*(?=\s*::)/yu],
    ["word", /[\p{ID_Start}_][\p{ID_Continue}]*/yu],
    ["plain", /\s+|[^]/yu],
];

/// Parts of the text as `[kind, text]`, which together are the text.
export function words(text) {
    const parts = [];
    const add = (kind, part) => {
        if (kind === "plain" && parts.at(-1)?.[0] === "plain") parts.at(-1)[1] += part;
        else parts.push([kind, part]);
    };
    for (let at = 0; at < text.length;) {
        const end = blockEnd(text, at);
        if (end > at) {
            add("comment", text.slice(at, end));
            at = end;
            continue;
        }
        for (const [kind, pattern] of KINDS) {
            pattern.lastIndex = at;
            const found = pattern.exec(text)?.[0];
            if (!found) continue;
            add(kind !== "word" ? kind : KEYWORDS.has(found) ? "keyword" : "plain", found);
            at += found.length;
            break;
        }
    }
    return parts;
}

/// The end of a block comment that begins here; these nest. The place itself where none does.
function blockEnd(text, start) {
    if (!text.startsWith("/*", start)) return start;
    let depth = 0;
    for (let at = start; at < text.length;) {
        const two = text.slice(at, at + 2);
        if (two === "/*" || two === "*/") {
            depth += two === "/*" ? 1 : -1;
            at += 2;
            if (depth === 0) return at;
        } else at += 1;
    }
    return text.length;
}
