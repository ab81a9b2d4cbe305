/** Charts of the digits example, drawn by echarts, which renders SVG without a browser. */
import * as echarts from 'echarts';

function render(option: echarts.EChartsCoreOption, width: number, height: number): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** The loss of every step, faint, and of every epoch on average. */
export function lossChart(losses: readonly number[], stepsPerEpoch: number): string {
  const epochs: [number, number][] = [];
  for (let start = 0; start + stepsPerEpoch <= losses.length; start += stepsPerEpoch) {
    const part = losses.slice(start, start + stepsPerEpoch);
    epochs.push([start + stepsPerEpoch, part.reduce((a, b) => a + b, 0) / part.length]);
  }
  return render(
    {
      title: { text: 'Training loss', left: 20, top: 10 },
      legend: { data: ['each batch', 'mean of an epoch'], right: 40, top: 14, itemGap: 30, icon: 'rect', itemHeight: 4 },
      color: ['#8fb0e8', '#1b2a49'],
      grid: { top: 70, left: 70, right: 40, bottom: 55 },
      xAxis: { type: 'value', name: 'step', nameLocation: 'middle', nameGap: 28, max: losses.length },
      yAxis: { type: 'log', name: 'cross entropy' },
      series: [
        {
          name: 'each batch',
          type: 'line',
          showSymbol: false,
          lineStyle: { width: 1, opacity: 0.6 },
          data: losses.map((loss, i) => [i + 1, loss]),
        },
        { name: 'mean of an epoch', type: 'line', showSymbol: false, lineStyle: { width: 2.5 }, data: epochs },
      ],
    },
    760,
    420,
  );
}

/** One digit image with what it is and what it was taken for. */
export interface Misread {
  readonly pixels: readonly number[];
  readonly label: number;
  readonly predicted: number;
}

/** A few misread digits side by side, eight by eight pixels each. */
export function misreadChart(digits: readonly Misread[]): string {
  const width = 110;
  return render(
    {
      title: digits.map((d, k) => ({
        text: `${d.label} read as ${d.predicted}`,
        left: k * width + 10,
        top: 8,
        textStyle: { fontSize: 12 },
      })),
      grid: digits.map((_, k) => ({ left: k * width + 10, top: 34, width: width - 20, height: width - 20 })),
      xAxis: digits.map((_, k) => ({ gridIndex: k, type: 'category', show: false, data: Array.from({ length: 8 }, (_, i) => i) })),
      yAxis: digits.map((_, k) => ({
        gridIndex: k,
        type: 'category',
        show: false,
        inverse: true,
        data: Array.from({ length: 8 }, (_, i) => i),
      })),
      visualMap: { show: false, min: 0, max: 16, inRange: { color: ['#ffffff', '#1b2a49'] }, seriesIndex: digits.map((_, k) => k) },
      series: digits.map((d, k) => ({
        type: 'heatmap',
        xAxisIndex: k,
        yAxisIndex: k,
        data: d.pixels.map((value, i) => [i % 8, Math.floor(i / 8), value]),
      })),
    },
    Math.max(1, digits.length) * width,
    width + 30,
  );
}
