/** Values of labels by name. */
export type Labels = Readonly<Record<string, string>>;

export interface FamilyOptions {
  /** https://prometheus.io/docs/practices/naming/ */
  readonly name: string;
  readonly help: string;
}

interface Sample {
  readonly suffix?: string;
  /** As in `{transport="grpc"}`; "" for none. */
  readonly labels: string;
  readonly value: number;
}

interface Family extends FamilyOptions {
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<Sample>;
}

/** A number, or one for each set of labels, that changes by addition. Without labels it starts at 0. */
export class Sum {
  readonly #values = new Map<string, number>();
  #unlabelled: number | undefined;

  constructor({ labelled }: { labelled: boolean }) {
    this.#unlabelled = labelled ? undefined : 0;
  }

  add(amount: number, labels?: Labels): void {
    if (labels === undefined) {
      this.#unlabelled = (this.#unlabelled ?? 0) + amount;
      return;
    }
    const key = formatLabels(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  *samples(): Iterable<Sample> {
    if (this.#unlabelled !== undefined) yield { labels: "", value: this.#unlabelled };
    for (const [labels, value] of this.#values) yield { labels, value };
  }
}

/** A histogram of observations. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** For each bucket, the observations above the bound before; the last bucket is above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds inclusive, rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.#bounds.length && value > this.#bounds[index]) index += 1;
    this.#counts[index] += 1;
    this.#sum += value;
  }

  *samples(): Iterable<Sample> {
    let count = 0;
    for (const [index, bound] of [...this.#bounds, "+Inf"].entries()) {
      count += this.#counts[index];
      yield { suffix: "_bucket", labels: formatLabels({ le: String(bound) }), value: count };
    }
    yield { suffix: "_sum", labels: "", value: this.#sum };
    yield { suffix: "_count", labels: "", value: count };
  }
}

/** Metrics that are shown together, in order of creation. */
export class MetricFamilies {
  readonly #families: Family[] = [];

  /** Adds a number that only grows. */
  counter(options: FamilyOptions & { labelled?: boolean }): Sum {
    return this.#sum("counter", options);
  }

  /** Adds a number that grows and shrinks. */
  gauge(options: FamilyOptions & { labelled?: boolean }): Sum {
    return this.#sum("gauge", options);
  }

  histogram(options: FamilyOptions & { bounds: readonly number[] }): Histogram {
    const histogram = new Histogram(options.bounds);
    this.#families.push({ ...options, type: "histogram", samples: () => histogram.samples() });
    return histogram;
  }

  /** Adds values that are read each time they are shown. */
  observed(
    type: "counter" | "gauge",
    options: FamilyOptions & { values(): Iterable<{ labels?: Labels; value: number }> },
  ): void {
    function* samples(): Iterable<Sample> {
      for (const { labels = {}, value } of options.values()) yield { labels: formatLabels(labels), value };
    }
    this.#families.push({ ...options, type, samples });
  }

  /** Formats all metrics (https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4). */
  text(): string {
    const lines = this.#families.flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      `# TYPE ${name} ${type}`,
      ...Array.from(samples(), ({ suffix = "", labels, value }) => `${name}${suffix}${labels} ${value}`),
    ]);
    return `${lines.join("\n")}\n`;
  }

  #sum(type: "counter" | "gauge", { labelled = false, ...options }: FamilyOptions & { labelled?: boolean }): Sum {
    const sum = new Sum({ labelled });
    this.#families.push({ ...options, type, samples: () => sum.samples() });
    return sum;
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
