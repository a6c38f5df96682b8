package draft

import "fmt"

// A Finding is one rule that a message breaks.
type Finding struct {
	Section string // of the draft, "7.2.2", or of the document that Rule names
	Rule    string // the rule
	Text    string // how it is broken
}

func (f Finding) String() string {
	return fmt.Sprintf("%s [section %s: %s]", f.Text, f.Section, f.Rule)
}

// findings collects findings, of which MaxFindings are kept.
type findings struct{ list []Finding }

func (f *findings) add(section, rule, format string, args ...any) {
	if len(f.list) < MaxFindings {
		f.list = append(f.list, Finding{section, rule, fmt.Sprintf(format, args...)})
	}
}
