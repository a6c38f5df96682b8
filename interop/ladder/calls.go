package ladder

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/gomscp/gomscp/internal/daemon"
)

// maxKeys bounds the identifiers that choosing a call keeps.
const maxKeys = 4 << 20

// A call is known by several keys: the Call-IDs of its legs, the MSRP paths of
// its ends, the MSCP requests about it. A calls joins keys that were seen
// together.
type calls struct {
	number map[string]int32
	parent []int32
	ids    []string // some Call-IDs, to tell what there is
	legs   map[string]*leg
}

func newCalls() *calls { return &calls{number: map[string]int32{}, legs: map[string]*leg{}} }

var errTooManyKeys = errors.New("there are too many calls to choose from: choose by time as well")

// add takes one record.
func (c *calls) add(r daemon.TraceRecord) error {
	keys := keysOf(r)
	for i, k := range keys {
		n, err := c.numberOf(k)
		if err != nil {
			return err
		}
		if i > 0 {
			c.parent[c.root(n)] = c.root(c.number[keys[0]])
		}
	}
	if len(keys) > 0 {
		c.note(r, keys[0])
	}
	if r.Protocol == "SIP" && len(keys) > 0 && len(c.ids) < 10 {
		if id := strings.TrimPrefix(keys[0], callKey); !slices.Contains(c.ids, id) {
			c.ids = append(c.ids, id)
		}
	}
	return nil
}

func (c *calls) numberOf(key string) (int32, error) {
	n, ok := c.number[key]
	if !ok {
		if len(c.parent) == maxKeys {
			return 0, errTooManyKeys
		}
		n = int32(len(c.parent))
		c.number[strings.Clone(key)] = n
		c.parent = append(c.parent, n)
	}
	return n, nil
}

func (c *calls) root(n int32) int32 {
	for c.parent[n] != n {
		c.parent[n] = c.parent[c.parent[n]]
		n = c.parent[n]
	}
	return n
}

// choose returns what tells whether a record belongs to the call with that
// Call-ID; a connection-id, which begins with one, will do.
func (c *calls) choose(id string) (func(daemon.TraceRecord) bool, error) {
	id, _, _ = strings.Cut(id, ";")
	n, ok := c.number[callKey+id]
	if !ok {
		known := make([]string, len(c.ids))
		for i, s := range c.ids {
			known[i] = short(s, 80)
		}
		return nil, fmt.Errorf("no message has the Call-ID %q; the first of the files are:\n  %s", id, strings.Join(known, "\n  "))
	}
	want := c.root(n)
	return func(r daemon.TraceRecord) bool {
		for _, k := range keysOf(r) {
			if n, ok := c.number[k]; ok && c.root(n) == want {
				return true
			}
		}
		return false
	}, nil
}

// The first byte of a key tells what it is.
const (
	callKey    = "C"
	pathKey    = "P"
	requestKey = "R"
)

// connectionID finds the connections that an MSCP document is about, by the
// draft's names of the attributes and the paper's.
var connectionID = regexp.MustCompile(`\s(?:connection-?id|id1|id2)\s*=\s*["']([^"'<]*)["']`)

// keysOf are the keys of the call that a record belongs to.
func keysOf(r daemon.TraceRecord) (keys []string) {
	head, body, _ := strings.Cut(r.Raw, "\r\n\r\n")
	switch r.Protocol {
	case "SIP":
		id := header(head, "Call-ID")
		if id == "" {
			id = header(head, "i")
		}
		if id == "" {
			return nil
		}
		keys = append(keys, callKey+id)
		for line := range strings.Lines(body) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(line), "a=path:"); ok {
				keys = appendPath(keys, path)
			}
		}
	case "MSCP":
		for _, m := range connectionID.FindAllStringSubmatch(r.Raw, -1) {
			// Call-ID;from-tag;to-tag: else it is a conference. See the draft, 2.3.1.
			if f := strings.Split(html.UnescapeString(strings.TrimSpace(m[1])), ";"); len(f) == 3 && f[0] != "" {
				keys = append(keys, callKey+f[0])
			}
		}
		if id := requestID(r.Raw); id != "" {
			keys = append(keys, requestKey+min(r.Local, r.Peer)+" "+max(r.Local, r.Peer)+" "+id)
		}
	case "MSRP":
		keys = appendPath(keys, header(head, "To-Path"))
		keys = appendPath(keys, header(head, "From-Path"))
	}
	return keys
}

// appendPath adds the last URI of a path, which is that of an end; those before
// are of relays, which calls share.
func appendPath(keys []string, path string) []string {
	f := strings.Fields(path)
	if len(f) == 0 {
		return keys
	}
	return append(keys, pathKey+f[len(f)-1])
}

// requestID is that of an MSCP request or response, "" of a notification.
func requestID(raw string) string {
	start, _, _ := strings.Cut(raw, "\n")
	f := strings.Fields(start)
	if len(f) < 3 || f[0] == "NOTIF" {
		return ""
	}
	return f[len(f)-1]
}
