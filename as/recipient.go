package as

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/sipua"
)

// Where the recipient of a call is found. A proxy that has translated an alias has
// the user's own address in the Request-URI, while To has what the caller wrote.
const (
	recipientTo         = "to"           // the To header; see the paper, section 2.2
	recipientRequestURI = "request-uri"  // the Request-URI
	recipientCalled     = "called-party" // P-Called-Party-ID; see RFC 7315, section 4.2
	recipientHistory    = "history-info" // the first target in History-Info; see RFC 7044, section 5
)

func checkRecipient(from string) error {
	switch from {
	case recipientTo, recipientRequestURI, recipientCalled, recipientHistory:
		return nil
	}
	return fmt.Errorf("%q is none of %s, %s, %s, %s", from, recipientTo, recipientRequestURI, recipientCalled, recipientHistory)
}

// recipientOf is for whom a call is. Without the header that should tell, or if that
// names nobody, it is whom To names.
func recipientOf(in *sipua.IncomingCall, from string) string {
	var uri string
	switch from {
	case recipientRequestURI:
		uri, _ = sipua.CanonicalURI(in.RequestURI)
	case recipientCalled:
		if list := in.ListHeader("P-Called-Party-ID"); len(list) > 0 {
			uri, _ = sipua.CanonicalURI(list[0])
		}
	case recipientHistory:
		uri = originalTarget(in.ListHeader("History-Info"))
	}
	if uri == "" {
		return in.To
	}
	return uri
}

// originalTarget is the URI that a request was for first, by the entries of
// History-Info: that of the lowest index. Entries that have none, that name no user,
// or whose user has been made anonymous (RFC 7044, section 10.1.2), tell nothing.
func originalTarget(entries []string) string {
	var first string
	var lowest []int
	for _, entry := range entries {
		index := historyIndex(entry)
		uri, err := sipua.CanonicalURI(entry)
		if err != nil || index == nil || !strings.Contains(uri, "@") && !strings.HasPrefix(uri, "tel:") || strings.HasSuffix(uri, ".invalid") {
			continue
		}
		if lowest == nil || slices.Compare(index, lowest) < 0 {
			first, lowest = uri, index
		}
	}
	return first
}

// historyIndex is the index parameter of an entry of History-Info, such as 1.2.1; nil
// if it has none. See RFC 7044, section 5.
func historyIndex(entry string) []int {
	_, params, _ := strings.Cut(entry[strings.LastIndexByte(entry, '>')+1:], ";")
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "index") {
			continue
		}
		var index []int
		for part := range strings.SplitSeq(strings.TrimSpace(value), ".") {
			n, err := strconv.ParseUint(part, 10, 31)
			if err != nil {
				return nil
			}
			index = append(index, int(n))
		}
		return index
	}
	return nil
}
