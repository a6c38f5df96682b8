package bench

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

// A Report is what was measured, on what. It is written as JSON as it is.
type Report struct {
	Tool     string        `json:"tool"` // version of the client
	Machine  string        `json:"machine"`
	Size     int           `json:"message_bytes"`
	Duration time.Duration `json:"round_ns"`
	Rounds   int           `json:"rounds"`
	Figures  []Figure      `json:"figures"` // by scenario, then by version
}

func (r *Report) describe() {
	r.Tool = fmt.Sprint(daemon.ReadVersion())
	r.Machine = fmt.Sprintf("%d processors, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// String is one line about a figure.
func (f Figure) String() string {
	if f.Memory != nil {
		return fmt.Sprintf("%s: %s: %.1f KB of the AS, %.1f KB of the MS for each", f.Version, f.Scenario, f.Memory["as"]/1024, f.Memory["ms"]/1024)
	}
	return fmt.Sprintf("%s: %s: %.0f/s, p50 %v, p99 %v; each takes %v of the AS, %v of the MS, %v of the client", f.Version, f.Scenario, f.Rate,
		f.P50.Round(time.Microsecond), f.P99.Round(time.Microsecond), f.each("as"), f.each("ms"), f.each("client"))
}

func (f Figure) each(process string) time.Duration {
	return f.CPU[process].Round(100 * time.Nanosecond)
}

// WriteText writes a table. With several versions each rate is also told in proportion to
// the last version's.
func (r *Report) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "messages of %d bytes, default settings, median of %d rounds of %v; %s\n\n", r.Size, r.Rounds, r.Duration, r.Machine)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tversion\trate\tp50\tp99\tAS each\tMS each\tclient each\tratio")
	last := map[string]Figure{}
	for _, f := range r.Figures {
		last[f.Scenario] = f
	}
	for _, f := range r.Figures {
		if f.Memory != nil {
			fmt.Fprintf(t, "%s\t%s\t\t\t\t%.1f KB\t%.1f KB\t\t\n", f.Scenario, f.Version, f.Memory["as"]/1024, f.Memory["ms"]/1024)
			continue
		}
		fmt.Fprintln(t, strings.Join([]string{f.Scenario, f.Version, fmt.Sprintf("%.0f/s", f.Rate), micro(f.P50), micro(f.P99),
			micro(f.CPU["as"]), micro(f.CPU["ms"]), micro(f.CPU["client"]), fmt.Sprintf("%.2f", f.Rate/last[f.Scenario].Rate)}, "\t"))
	}
	return t.Flush()
}

func micro(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/1000) }
