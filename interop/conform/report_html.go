package conform

import (
	"html/template"
	"io"
	"strings"

	"github.com/gomscp/gomscp/interop/internal/printable"
)

// htmlPage is a page that needs nothing else: filters by section and verdict, and of each
// failed case the exchange, what was sent on the left and what came on the right.
var htmlPage = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Conformance</title><style>
:root{color-scheme:light dark}body{font:16px/1.4 system-ui,sans-serif;max-width:70em;margin:auto;padding:1em}
details,.case{border-left:.4em solid #888;margin:.3em 0;padding:.2em .6em}.passed{border-color:#2a7}.failed{border-color:#d33}.skipped{border-color:#999}
code{font-weight:bold}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font-size:13px}.sent{margin-right:20%}.came{margin-left:20%;background:#8882}
select{font:inherit;margin-right:1em}[hidden]{display:none}</style></head><body><h1>Conformance</h1><p>{{.Summary}}</p>
<p><label>Section <select id="section"><option value="">all</option>{{range .Sections}}<option>{{.}}</option>{{end}}</select></label>
<label>Verdict <select id="verdict"><option value="">all</option><option>passed</option><option>failed</option><option>skipped</option></select></label></p>
{{range .Results}}<details class="{{.Outcome}}" data-section="{{.Section}}" data-verdict="{{.Outcome}}"><summary><code>{{.ID}}</code> {{.Outcome}}{{if .Strict}}, strict{{end}}: {{.Demand}}</summary>
<pre>{{.Detail}}</pre>{{range .Exchange}}<pre class="{{if .Sent}}sent{{else}}came{{end}}">{{.Text}}</pre>{{end}}</details>
{{end}}<script>
const s=document.getElementById("section"),v=document.getElementById("verdict");
function show(){for(const d of document.querySelectorAll("details"))d.hidden=s.value&&d.dataset.section!==s.value||v.value&&d.dataset.verdict!==v.value}
s.onchange=v.onchange=show;</script></body></html>
`))

// A htmlMessage is a run of lines in one direction.
type htmlMessage struct {
	Sent bool
	Text string
}

type htmlResult struct {
	ID, Section, Demand, Detail string
	Outcome                     Outcome
	Strict                      bool
	Exchange                    []htmlMessage
}

// WriteHTML writes the results as one page without anything from elsewhere.
func WriteHTML(w io.Writer, results []Result, o Options) error {
	var page struct {
		Summary  string
		Sections []string
		Results  []htmlResult
	}
	page.Summary = Summarize(results, o).String()
	seen := map[string]bool{}
	for _, r := range results {
		protocol, _, _ := strings.Cut(r.ID, "/")
		section := protocol + " " + r.Section()
		if !seen[section] {
			seen[section] = true
			page.Sections = append(page.Sections, section)
		}
		page.Results = append(page.Results, htmlResult{r.ID, section, r.Demand, printable.Text(r.Detail), r.Outcome, r.Strict, exchange(printable.Text(r.Wire))})
	}
	return htmlPage.Execute(w, page)
}

// exchange takes what went over the wire apart by direction.
func exchange(wire string) (all []htmlMessage) {
	for line := range strings.Lines(wire) {
		sent, text := strings.HasPrefix(line, "> "), line
		if len(line) > 2 && line[1] == ' ' {
			text = line[2:]
		}
		if n := len(all); n > 0 && all[n-1].Sent == sent {
			all[n-1].Text += text
			continue
		}
		all = append(all, htmlMessage{sent, text})
	}
	return all
}
