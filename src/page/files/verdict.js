// Items without a drawing: verdicts, and weights written to a file.

import { Card } from "./card.js";
import { make, setText } from "./element.js";
import { source as data } from "./source.js";

export class VerdictCard extends Card {
    constructor() {
        super("verdict");
        this.text = make("p");
        this.element.append(this.text);
    }

    update(item, index, source, edit) {
        super.update(item, index, source, edit);
        setText(this.title, item.title || "In words");
        setText(this.text, item.text ?? "");
    }
}

export class WeightsCard extends Card {
    constructor() {
        super("weights");
        this.text = make("p", { class: "quiet" });
        this.element.append(this.text);
    }

    update(item, index, source, edit) {
        super.update(item, index, source, edit);
        setText(this.text, item.done < item.points ? "Not written yet." : data.weights);
    }
}
