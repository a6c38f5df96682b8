package msrp

import (
	"bytes"
	"sort"

	"github.com/pion/sdp/v3"
)

// maxQuotedLine is how much of a line an error quotes, in bytes.
const maxQuotedLine = 64

// faultyLine is the first line at which a description stops to be one: what ends
// before that line can be read.
func faultyLine(description []byte) []byte {
	lines := bytes.SplitAfter(description, []byte("\n"))
	n := sort.Search(len(lines), func(n int) bool {
		var d sdp.SessionDescription
		return d.Unmarshal(bytes.Join(lines[:n+1], nil)) != nil
	})
	if n == len(lines) {
		return nil
	}
	line := bytes.TrimRight(lines[n], "\r\n")
	return line[:min(len(line), maxQuotedLine)]
}
