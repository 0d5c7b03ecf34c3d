// Light or dark: the system's choice until the reader makes another. A classic script in the head, so that a page kept
// dark never flashes white before the modules have loaded.
(() => {
    const KEY = "entroscope-theme";
    const root = document.documentElement;
    const asked = matchMedia("(prefers-color-scheme: dark)");
    const kept = () => {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null;                    // storage may be refused; the switch then lasts as long as the page
        }
    };
    if (kept()) root.dataset.theme = kept();

    addEventListener("DOMContentLoaded", () => {
        document.getElementById("theme").addEventListener("click", () => {
            const dark = root.dataset.theme ? root.dataset.theme === "dark" : asked.matches;
            const next = dark ? "light" : "dark";
            root.dataset.theme = next;
            try {
                // Back at the system's choice, follow it again.
                if ((next === "dark") === asked.matches) localStorage.removeItem(KEY);
                else localStorage.setItem(KEY, next);
            } catch { /* as above */ }
        });
    });
})();
