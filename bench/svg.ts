import type { Comparison, Series } from "./findings";
import { lineThrough, median, type Point, ratio } from "./statistics";

// Plots that a browser and a Git host show without a script, on a light and on a dark page.

const colours = ["#2f6fb3", "#c8553d", "#3b8f5a", "#8a5fb0", "#a07a1f"];
const width = 760;
const font = 'font-family="system-ui, sans-serif" font-size="13"';

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A number with as many digits as a reader can use. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function page(height: number, title: string, ...content: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ${font}>`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, title, 'font-weight="600"'),
    ...content,
    "</svg>\n",
  ].join("\n");
}

const at = (value: number): string => `${Math.round(value * 10) / 10}`;

const text = (x: number, y: number, words: string, more = ""): string =>
  `<text x="${at(x)}" y="${at(y)}" fill="#222222"${more && ` ${more}`}>${escaped(words)}</text>`;

const stroke = ([x1, y1]: Point, [x2, y2]: Point, colour: string, thickness = 1, more = ""): string =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${colour}" stroke-width="${thickness}"${more && ` ${more}`}/>`;

/** A bar for each rival, as long as its median, with a line from its least to its most. */
export function barPlot({ title, unit, floor, rivals }: Comparison): string {
  const [left, right, top, step] = [250, 130, 48, 34];
  const most = Math.max(...rivals.flatMap(({ values }) => values));
  const scale = (value: number): number => left + (value / most) * (width - left - right);
  const floorValues = rivals.find(({ name }) => name === floor)?.values ?? [];
  const bars = rivals.flatMap(({ name, values }, index) => {
    const middle = top + index * step + step / 2;
    const colour = name === floor ? "#888888" : (colours[index % colours.length] ?? "#2f6fb3");
    const [least, end] = [scale(Math.min(...values)), scale(Math.max(...values))];
    const times = name === floor ? "" : `  (${ratio(values, floorValues).toFixed(2)} x)`;
    return [
      text(left - 10, middle + 4, name, 'text-anchor="end"'),
      `<rect x="${left}" y="${at(middle - 9)}" width="${at(scale(median(values)) - left)}" height="18" fill="${colour}"/>`,
      stroke([least, middle], [end, middle], "#222222", 1.5),
      text(end + 8, middle + 4, `${shortNumber(median(values))} ${unit}${times}`),
    ];
  });
  return page(top + rivals.length * step + 14, `${title}, in ${unit}`, ...bars);
}

/** The points of each line, and the straight line that is nearest to them. */
export function linePlot({ title, x, y, lines }: Series): string {
  const [left, right, top, height] = [70, 30, 44 + lines.length * 20, 320];
  const bottom = top + height;
  const mostX = Math.max(...lines.flatMap(({ points }) => points.map(([value]) => value)));
  const mostY = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const place = ([valueX, valueY]: Point): Point => [
    left + (valueX / mostX) * (width - left - right),
    bottom - (valueY / mostY) * height,
  ];
  const axes = [
    stroke([left, bottom], [width - right, bottom], "#222222"),
    stroke([left, top], [left, bottom], "#222222"),
    ...ticks(mostX).map((value) => text(place([value, 0])[0], bottom + 18, `${value}`, 'text-anchor="middle"')),
    ...ticks(mostY).flatMap((value) => [
      stroke(place([0, value]), place([mostX, value]), "#dddddd"),
      text(left - 8, place([0, value])[1] + 4, `${value}`, 'text-anchor="end"'),
    ]),
    text((left + width) / 2, bottom + 38, x, 'text-anchor="middle"'),
  ];
  const drawn = lines.flatMap(({ name, points }, index) => {
    const colour = colours[index % colours.length] ?? "#2f6fb3";
    const { slope, intercept, r2 } = lineThrough(points);
    const dots = points.map(place).map(([cx, cy]) => `<circle cx="${at(cx)}" cy="${at(cy)}" r="4" fill="${colour}"/>`);
    const legend = `${name}: ${shortNumber(slope)} a ${x.replace(/s$/, "")}, R² ${r2.toFixed(4)}`;
    return [
      stroke(place([0, Math.max(0, intercept)]), place([mostX, intercept + slope * mostX]), colour, 1, 'opacity="0.6"'),
      ...dots,
      `<rect x="16" y="${34 + index * 20}" width="12" height="12" fill="${colour}"/>`,
      text(36, 45 + index * 20, legend),
    ];
  });
  return page(bottom + 50, `${title}: ${y}`, ...axes, ...drawn);
}

/** Round numbers up to the most, four or five of them. */
function ticks(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}
