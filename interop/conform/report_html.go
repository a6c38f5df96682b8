package conform

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/gomscp/gomscp/internal/printable"
)

//go:embed report.html
var htmlText string

// htmlPage is a page that needs nothing else: filters by section and verdict, and of each
// failed case the exchange as a ladder, the runner on the left and the peer on the right.
var htmlPage = template.Must(template.New("report").Parse(htmlText))

// A htmlMessage is one arrow of the ladder.
type htmlMessage struct {
	Class string // sent, came or note
	Over  string
	At    string // since the case began
	Label string // its first line
	Text  string // all of it
}

type htmlResult struct {
	ID, Section, Demand, Detail string
	Verdict                     string // passed, failed, warning or skipped
	Strict, Counts              bool
	Exchange                    []htmlMessage
}

// htmlReport is what the page shows.
type htmlReport struct {
	Summary  Summary
	Warnings int // failures that do not count
	Sections []string
	Verdicts []string
	Results  []htmlResult
}

// WriteHTML writes the results as one self-contained page.
func WriteHTML(w io.Writer, results []Result, o Options) error {
	page := htmlReport{Summary: Summarize(results, o), Verdicts: []string{"failed", "warning", "skipped", "passed"}}
	page.Warnings = page.Summary.Failed - page.Summary.Counting
	seen := map[string]bool{}
	for _, r := range results {
		protocol, _, _ := strings.Cut(r.ID, "/")
		section := protocol + " " + r.Section()
		if !seen[section] {
			seen[section] = true
			page.Sections = append(page.Sections, section)
		}
		verdict := string(r.Outcome)
		if r.Outcome == Failed && !r.Counts(o) {
			verdict = "warning"
		}
		page.Results = append(page.Results, htmlResult{ID: r.ID, Section: section, Demand: r.Demand, Detail: printable.Text(r.Detail),
			Verdict: verdict, Strict: r.Strict, Counts: r.Counts(o), Exchange: exchange(r.Messages)})
	}
	return htmlPage.Execute(w, page)
}

// exchange makes arrows of messages.
func exchange(messages []Message) (all []htmlMessage) {
	for _, m := range messages {
		h := htmlMessage{Class: "came", Over: m.Over, At: fmt.Sprintf("%.1f ms", float64(m.At.Microseconds())/1000), Text: printable.Text(m.Text)}
		if m.Sent {
			h.Class = "sent"
		}
		if m.Over == "" && strings.HasPrefix(m.Text, "…") {
			h.Class, h.At = "note", ""
		}
		if m.Cut > 0 {
			h.Text += fmt.Sprintf("… %d more bytes of this message are not shown\n", m.Cut)
		}
		h.Label, _, _ = strings.Cut(h.Text, "\n")
		if what := inside(m); what != "" {
			h.Label += " · " + what
		}
		all = append(all, h)
	}
	return all
}

// inside is the element that a message of MSCP carries; "" if there is none.
func inside(m Message) string {
	if m.Over != "MSCP" {
		return ""
	}
	for _, container := range []string{"request", "response", "notification"} {
		if _, rest, ok := strings.Cut(m.Text, "<"+container); ok {
			_, rest, _ = strings.Cut(rest, ">")
			name := strings.TrimLeft(strings.TrimSpace(rest), "<")
			return name[:len(name)-len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:"))]
		}
	}
	return ""
}
