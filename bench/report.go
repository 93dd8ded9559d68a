//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report gathers samples and tells what they come to. Its zero value is an empty
// one; it is for one goroutine.
type Report struct {
	Note string // why something is missing, "" when nothing is

	contenders []string // in the order of their first samples, the kernel first
	samples    map[key][]float64
}

type key struct{ contender, figure string }

// Add takes a sample.
func (r *Report) Add(s Sample) {
	if r.samples == nil {
		r.samples = map[key][]float64{}
	}
	if !slices.Contains(r.contenders, s.Contender) {
		r.contenders = append(r.contenders, s.Contender)
		slices.SortStableFunc(r.contenders, func(a, b string) int {
			return boolInt(b == kernelName) - boolInt(a == kernelName)
		})
	}
	k := key{s.Contender, s.Figure}
	r.samples[k] = append(r.samples[k], s.Value)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Figure is the median of a contender's samples.
func (r *Report) Figure(contender, name string) (value float64, ok bool) {
	samples := slices.Sorted(slices.Values(r.samples[key{contender, name}]))
	return quantile(samples, 0.5), len(samples) > 0
}

// Ratio is how much better than the kernel a contender is.
func (r *Report) Ratio(contender, name string) (ratio float64, ok bool) {
	i := slices.IndexFunc(figures, func(f figure) bool { return f.name == name })
	own, okOwn := r.Figure(contender, name)
	kernel, okKernel := r.Figure(kernelName, name)
	if i < 0 || !okOwn || !okKernel {
		return 0, false
	}
	if figures[i].lessIsMore {
		own, kernel = kernel, own
	}
	if kernel == 0 {
		return 0, false
	}
	return own / kernel, true
}

// spread is half the distance between the quartiles, relative to the median.
func (r *Report) spread(contender, name string) float64 {
	samples := slices.Sorted(slices.Values(r.samples[key{contender, name}]))
	median := quantile(samples, 0.5)
	if median == 0 {
		return 0
	}
	return math.Abs((quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / median)
}

// quantile is the value below which the part q of sorted lies.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// MarshalJSON gives {"kernel": {figure: value}, "tap": {...}, "ratio": {"tap": {...}},
// "spread": {"kernel": {...}, "tap": {...}}}, and "note" when there is one. A figure
// that was not measured is left out.
func (r *Report) MarshalJSON() ([]byte, error) {
	top := map[string]any{}
	ratios, spreads := map[string]any{}, map[string]any{}
	for _, c := range r.contenders {
		values, ratio, spread := map[string]float64{}, map[string]float64{}, map[string]float64{}
		for _, f := range figures {
			value, ok := r.Figure(c, f.name)
			if !ok {
				continue
			}
			values[f.name] = round(value)
			spread[f.name] = round(r.spread(c, f.name))
			if x, ok := r.Ratio(c, f.name); ok {
				ratio[f.name] = round(x)
			}
		}
		top[c], spreads[c] = values, spread
		if c != kernelName {
			ratios[c] = ratio
		}
	}
	top["ratio"], top["spread"] = ratios, spreads
	if r.Note != "" {
		top["note"] = r.Note
	}
	return json.Marshal(top)
}

// round keeps three decimals.
func round(x float64) float64 {
	return math.Round(x*1000) / 1000
}

// WriteTable shows the report to people.
func (r *Report) WriteTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"", "unit"}
	for _, c := range r.contenders {
		head = append(head, c, "+-")
		if c != kernelName {
			head = append(head, "ratio")
		}
	}
	fmt.Fprintln(tw, strings.Join(head, "\t")+"\t")
	for _, f := range figures {
		row := []string{f.name, f.unit}
		measured := false
		for _, c := range r.contenders {
			value, ok := r.Figure(c, f.name)
			measured = measured || ok
			row = append(row, number(value), fmt.Sprintf("%.0f%%", 100*r.spread(c, f.name)))
			if c == kernelName {
				continue
			}
			if ratio, ok := r.Ratio(c, f.name); ok {
				row = append(row, fmt.Sprintf("%.2f", ratio))
			} else {
				row = append(row, "-")
			}
		}
		if measured {
			fmt.Fprintln(tw, strings.Join(row, "\t")+"\t")
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if r.Note != "" {
		_, err := fmt.Fprintln(w, r.Note)
		return err
	}
	return nil
}

// number is x with about three digits that count.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
