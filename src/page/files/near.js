// Which elements are in the window or near it. Pictures further away are not fetched yet.

const MARGIN = "600px";

export class Near {
    #told = new Map();
    #observer = new IntersectionObserver((entries) => {
        for (const entry of entries) this.#told.get(entry.target)?.(entry.isIntersecting);
    }, { rootMargin: MARGIN });

    observe(element, told) {
        this.#told.set(element, told);
        this.#observer.observe(element);
    }

    unobserve(element) {
        this.#told.delete(element);
        this.#observer.unobserve(element);
    }
}
