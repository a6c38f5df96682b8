package conform

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/printable"
)

// A Summary has the numbers of results.
type Summary struct {
	Passed, Failed, Skipped int
	Counting                int // of the failed, those that make the peer fail
}

// Summarize counts the results.
func Summarize(results []Result, o Options) (s Summary) {
	for _, r := range results {
		switch r.Outcome {
		case Passed:
			s.Passed++
		case Skipped:
			s.Skipped++
		case Failed:
			s.Failed++
		}
		if r.Counts(o) {
			s.Counting++
		}
	}
	return s
}

func (s Summary) String() string {
	return fmt.Sprintf("%d cases: %d passed, %d failed (%d of them count), %d skipped",
		s.Passed+s.Failed+s.Skipped, s.Passed, s.Failed, s.Counting, s.Skipped)
}

// WriteResult writes one result as one line, and further lines if it failed.
func WriteResult(w io.Writer, r Result) error {
	sign := map[Outcome]string{Passed: "ok  ", Failed: "FAIL", Skipped: "skip"}[r.Outcome]
	if r.Outcome == Failed && !r.Strict {
		sign = "warn"
	}
	if _, err := fmt.Fprintf(w, "%s  %-16s %s\n", sign, r.ID, r.Demand); err != nil || r.Outcome == Passed {
		return err
	}
	_, err := fmt.Fprint(w, indent(r.Detail, "        "), indent(r.Wire, "          "))
	return err
}

func indent(s, by string) string {
	var b strings.Builder
	for line := range strings.Lines(printable.Text(s)) { // the peer has a say in it
		b.WriteString(by + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

// WriteText writes all results and a summary.
func WriteText(w io.Writer, results []Result, o Options) error {
	for _, r := range results {
		if err := WriteResult(w, r); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, "\n"+Summarize(results, o).String())
	return err
}

// jsonResult is a result in JSON.
type jsonResult struct {
	ID      string  `json:"id"`
	Section string  `json:"section"`
	Demand  string  `json:"demand"`
	Strict  bool    `json:"strict"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"`
	Wire    string  `json:"wire,omitempty"`
	Seconds float64 `json:"seconds"`
}

// WriteJSON writes an array with an object for each result: id, section,
// demand, strict, outcome (passed, failed, skipped), detail, wire, seconds.
func WriteJSON(w io.Writer, results []Result) error {
	all := []jsonResult{}
	for _, r := range results {
		all = append(all, jsonResult{r.ID, r.Section(), r.Demand, r.Strict, r.Outcome, printable.Text(r.Detail), printable.Text(r.Wire), r.Duration.Seconds()})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Time    string    `xml:"time,attr"`
	Failure *junitWhy `xml:"failure"`
	Skipped *junitWhy `xml:"skipped"`
	Out     string    `xml:"system-out,omitempty"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the results as JUnit XML for build servers. A failed case that does
// not count is written as skipped.
func WriteJUnit(w io.Writer, results []Result, o Options) error {
	s := junitSuite{Tests: len(results)}
	var took time.Duration
	for _, r := range results {
		protocol, _, _ := strings.Cut(r.ID, "/")
		s.Name = "conform." + protocol
		c := junitCase{Class: s.Name + "." + r.Section(), Name: r.ID + " " + r.Demand, Time: fmt.Sprintf("%.3f", r.Duration.Seconds())}
		switch {
		case r.Counts(o):
			s.Failures++
			c.Failure = &junitWhy{printable.Text(r.Detail), printable.Text(r.Wire)}
		case r.Outcome != Passed:
			s.Skipped++
			c.Skipped = &junitWhy{printable.Text(r.Detail), ""}
		}
		took += r.Duration
		s.Cases = append(s.Cases, c)
	}
	s.Time = fmt.Sprintf("%.3f", took.Seconds())
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
