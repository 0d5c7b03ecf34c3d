// Light or dark: the system's choice, unless the reader chooses. A classic script in the head, so that a dark page does not
// flash white before the modules have loaded.
(() => {
    const KEY = "entroscope-theme";
    const root = document.documentElement;
    const asked = matchMedia("(prefers-color-scheme: dark)");
    const kept = () => {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null;                    // without storage the choice lasts as long as the page
        }
    };
    if (kept()) root.dataset.theme = kept();

    addEventListener("DOMContentLoaded", () => {
        document.getElementById("theme").addEventListener("click", () => {
            const dark = root.dataset.theme ? root.dataset.theme === "dark" : asked.matches;
            const next = dark ? "light" : "dark";
            root.dataset.theme = next;
            try {
                // The reader's choice equals the system's again: follow the system.
                if ((next === "dark") === asked.matches) localStorage.removeItem(KEY);
                else localStorage.setItem(KEY, next);
            } catch { /* as above */ }
        });
    });
})();
