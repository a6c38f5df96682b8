package ladder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxLegs bounds the Call-IDs about which more is kept than that they are there.
const maxLegs = 200_000

// A leg is what all SIP messages with one Call-ID have.
type leg struct {
	id, from, to string // the URIs are of the first message
	method       string // of the first request
	status       string // the last final response to it
	first, last  time.Time
	messages     int
}

// note takes what the record says of its leg.
func (c *calls) note(r record, key string) {
	id, ok := strings.CutPrefix(key, callKey)
	if r.Protocol != "SIP" || !ok {
		return
	}
	l := c.legs[id]
	if l == nil {
		if len(c.legs) == maxLegs {
			return
		}
		l = &leg{id: strings.Clone(id), first: r.Time}
		c.legs[l.id] = l
	}
	if r.Time.Before(l.first) {
		l.first = r.Time
	}
	if r.Time.After(l.last) {
		l.last = r.Time
	}
	l.messages++
	head, _, _ := strings.Cut(r.Raw, "\r\n\r\n")
	if l.from == "" {
		l.from, l.to = addressOf(head, "From", "f"), addressOf(head, "To", "t")
	}
	f := strings.Fields(strings.SplitN(head, "\r\n", 2)[0])
	switch {
	case len(f) < 2:
	case !strings.HasPrefix(f[0], "SIP/"):
		if l.method == "" {
			l.method = strings.Clone(f[0])
		}
	case f[1] >= "200" && strings.HasSuffix(header(head, "CSeq"), " "+l.method):
		l.status = strings.Clone(f[1])
	}
}

// addressOf is the URI of a From or To header field, without parameters.
func addressOf(head, name, compact string) string {
	v := header(head, name)
	if v == "" {
		v = header(head, compact)
	}
	if _, rest, ok := strings.Cut(v, "<"); ok {
		v, _, _ = strings.Cut(rest, ">")
	}
	v, _, _ = strings.Cut(v, ";")
	return strings.Clone(strings.TrimSpace(v))
}

// isOf reports whether the leg is from or to a user: the user part of a URI, or the
// URI with or without its scheme.
func (l *leg) isOf(user string) bool {
	for _, uri := range []string{l.from, l.to} {
		_, rest, _ := strings.Cut(uri, ":")
		part, _, _ := strings.Cut(rest, "@")
		if user == uri || user == rest || user == part {
			return true
		}
	}
	return false
}

// chooseAll returns what tells whether a record belongs to the calls that f names by
// Call and User.
func (c *calls) chooseAll(f Filter) (func(record) bool, error) {
	of := func(record) bool { return true }
	if f.Call != "" {
		var err error
		if of, err = c.choose(f.Call); err != nil {
			return nil, err
		}
	}
	if f.User == "" {
		return of, nil
	}
	roots := map[int32]bool{}
	for _, l := range c.legs {
		if l.isOf(f.User) {
			roots[c.root(c.number[callKey+l.id])] = true
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("no call is from or to %q", f.User)
	}
	return func(r record) bool {
		for _, k := range keysOf(r) {
			if n, ok := c.number[k]; ok && roots[c.root(n)] {
				return of(r)
			}
		}
		return false
	}, nil
}

// List writes one line for each call in the trace files, with its Call-ID at the end. The
// lines of its other legs follow it. Of o, it uses User, From, Until, Skip and Progress.
func List(ctx context.Context, w io.Writer, paths []string, o Options) (notes []string, err error) {
	user := o.User
	o.User, o.Call, o.Protocols = "", "", nil
	in := &input{ctx: ctx, paths: paths, o: o}
	if err := in.open(); err != nil {
		return nil, err
	}
	chosen, err := in.filter()
	if err != nil {
		return nil, err
	}
	c := newCalls()
	if err := in.each(chosen, c.add); err != nil {
		return in.notes, err
	}
	groups := c.groups(user)
	if len(groups) == 0 {
		return in.notes, errors.New("no call is among the messages that are chosen")
	}
	if len(c.legs) == maxLegs {
		in.notes = append(in.notes, fmt.Sprintf("there are more than %d calls; the first are listed", maxLegs))
	}
	return in.notes, writeGroups(w, groups)
}

// groups are the legs that belong together, in the order in which the first leg of
// each begins.
func (c *calls) groups(user string) [][]*leg {
	byRoot := map[int32][]*leg{}
	wanted := map[int32]bool{}
	for _, l := range c.legs {
		root := c.root(c.number[callKey+l.id])
		byRoot[root] = append(byRoot[root], l)
		wanted[root] = wanted[root] || user == "" || l.isOf(user)
	}
	earlier := func(a, b *leg) int {
		if n := a.first.Compare(b.first); n != 0 {
			return n
		}
		return strings.Compare(a.id, b.id)
	}
	var groups [][]*leg
	for root, legs := range byRoot {
		if wanted[root] {
			slices.SortFunc(legs, earlier)
			groups = append(groups, legs)
		}
	}
	slices.SortFunc(groups, func(a, b []*leg) int { return earlier(a[0], b[0]) })
	return groups
}

func writeGroups(w io.Writer, groups [][]*leg) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%-23s %9s %8s  %-9s %-6s %s\n", "began (UTC)", "seconds", "messages", "method", "status", "from, to, Call-ID")
	for _, legs := range groups {
		for i, l := range legs {
			began := l.first.UTC().Format("2006-01-02 15:04:05.000")
			if i > 0 {
				began = "  and " + l.first.UTC().Format("15:04:05.000")
			}
			status := l.status
			if status == "" {
				status = "-"
			}
			fmt.Fprintf(out, "%-23s %9.3f %8d  %-9s %-6s %s  %s  %s\n", began, l.last.Sub(l.first).Seconds(), l.messages,
				short(l.method, 9), short(status, 3), short(l.from, 60), short(l.to, 60), short(l.id, 120))
		}
	}
	return out.Flush()
}
