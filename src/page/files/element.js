// Makes and changes elements. Text is always set as text, so what scripts print or name never becomes markup.

/// Makes an element with attributes (`on…` are listeners; `false` and `null` are left out) and children.
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

/// Sets the text only where it differs, so that ten events a second do not cause a layout of what stayed the same.
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/// The same for an attribute; `null` removes it.
export function setAttribute(element, name, value) {
    if (value === null || value === false) {
        if (element.hasAttribute(name)) element.removeAttribute(name);
    } else if (element.getAttribute(name) !== String(value)) {
        element.setAttribute(name, value);
    }
}

/// The same for `hidden`.
export function setHidden(element, hidden) {
    if (element.hidden !== hidden) element.hidden = hidden;
}

/// Sets a message, with text in backticks as code.
export function withCode(text) {
    return text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

/// A button that copies a text and confirms it.
export function copyButton(text, what) {
    const button = make("button", { type: "button", class: "small", "aria-label": `Copy ${what}` }, "Copy");
    button.addEventListener("click", async () => {
        setText(button, (await copied(text)) ? "Copied" : "Not copied");
        setTimeout(() => setText(button, "Copy"), 1500);
    });
    return button;
}

async function copied(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Outside a secure context (the page opened by a machine's name) only the older API works.
        const area = make("textarea", { class: "unseen" });
        area.value = text;
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
    }
}
