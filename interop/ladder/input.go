package ladder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

// MaxMessages is the default of [Options].Limit.
const MaxMessages = 100_000

// progressEvery is how many bytes are read between two reports of progress.
const progressEvery = 1 << 20

type record = daemon.TraceRecord

// A Filter selects records. An empty field selects all.
type Filter struct {
	// Call is a SIP Call-ID or an MSCP connection-id. It selects all messages of the
	// call, on both sides of the application server.
	Call string
	// User is the user part of a SIP URI, or the URI with or without its scheme. It
	// selects all messages of calls from or to that user.
	User string
	// Protocols are any of SIP, MSCP and MSRP.
	Protocols []string
	// From and Until select by the time in the records; both are included.
	From, Until When
}

// When is a time, or a duration after the first record of all files.
type When struct {
	Time  time.Time
	After time.Duration
	set   bool
}

// ParseWhen reads a time in the form of RFC 3339, or a duration such as 12.5s.
func ParseWhen(s string) (When, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return When{After: d, set: true}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return When{}, fmt.Errorf("%q is neither a time such as 2026-01-31T12:00:00Z nor a duration such as 12.5s", s)
	}
	return When{Time: t, set: true}, nil
}

func (w When) relative() bool { return w.set && w.Time.IsZero() }

func (w When) after(start time.Time) time.Time {
	if w.relative() {
		return start.Add(w.After)
	}
	return w.Time
}

// Options are the settings for reading and drawing trace files.
type Options struct {
	Filter
	// Names has the names of addresses (host:port or host) of nodes without a trace.
	Names map[string]string
	// Lanes are names of lanes in the order in which they come first.
	Lanes []string
	// Bodies shows the texts of users.
	Bodies bool
	// Chunks draws every chunk of a long MSRP message.
	Chunks bool
	// Repeats draws each repetition of rows.
	Repeats bool
	// Explain adds an explanation to each message.
	Explain bool
	// Width bounds a line of text, in characters; 0 means no limit. Nodes without room
	// share a lane, and long labels are cut.
	Width int
	// Skip skips lines that are not trace records; Notes then has their number.
	Skip bool
	// Limit bounds the selected messages; 0 means MaxMessages.
	Limit int
	// Progress, if not nil, is called from time to time with the number of bytes read,
	// and of all bytes.
	Progress func(done, total int64)
}

func (o *Options) limit() int {
	if o.Limit <= 0 {
		return MaxMessages
	}
	return o.Limit
}

// maxNotes bounds the notes about one run.
const maxNotes = 20

// An input reads all the files, once or more.
type input struct {
	ctx         context.Context
	paths       []string
	o           Options
	notes       []string
	done, total int64
}

// open looks at the files without reading them.
func (in *input) open() error {
	var seen []os.FileInfo
	for _, path := range in.paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		for i, other := range seen {
			if os.SameFile(info, other) {
				return fmt.Errorf("%s and %s are the same file", in.paths[i], path)
			}
		}
		if !info.Mode().IsRegular() && in.passes() > 1 {
			return fmt.Errorf("%s is no regular file, and cannot be read twice, as a call or a relative time needs", path)
		}
		seen = append(seen, info)
		in.total += info.Size()
	}
	return nil
}

func (in *input) passes() int64 {
	n := int64(1)
	if in.o.Call != "" || in.o.User != "" {
		n++
	}
	if in.o.From.relative() || in.o.Until.relative() {
		n++ // of the first lines only
	}
	return n
}

// filter makes of the options what decides about one record.
func (in *input) filter() (func(record) bool, error) {
	var start time.Time
	if in.o.From.relative() || in.o.Until.relative() {
		var err error
		if start, err = in.start(); err != nil {
			return nil, err
		}
	}
	from, until := in.o.From.after(start), in.o.Until.after(start)
	timely := func(r record) bool {
		return (!in.o.From.set || !r.Time.Before(from)) && (!in.o.Until.set || !r.Time.After(until))
	}
	ofCall := func(record) bool { return true }
	if in.o.Call != "" || in.o.User != "" {
		c := newCalls()
		in.total *= 2
		// Another leg may have begun before: its keys count at any time.
		err := in.each(func(record) bool { return true }, c.add)
		if err == nil {
			ofCall, err = c.chooseAll(in.o.Filter)
		}
		if err != nil {
			return nil, err
		}
		in.notes = nil // they come again
	}
	return func(r record) bool {
		return (len(in.o.Protocols) == 0 || slices.Contains(in.o.Protocols, r.Protocol)) && timely(r) && ofCall(r)
	}, nil
}

// start is the time of the earliest first record.
func (in *input) start() (start time.Time, err error) {
	for _, path := range in.paths {
		f, err := os.Open(path)
		if err != nil {
			return start, err
		}
		r, err := in.next(NewReader(f, path, nil), path)
		f.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			return start, err
		}
		if err == nil && (start.IsZero() || r.Time.Before(start)) {
			start = r.Time
		}
	}
	in.notes = nil
	return start, nil
}

// each hands every chosen record of every file to do.
func (in *input) each(chosen func(record) bool, do func(record) error) error {
	for _, path := range in.paths {
		if err := in.eachOf(path, chosen, do); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) eachOf(path string, chosen func(record) bool, do func(record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := NewReader(f, path, func(err error) { in.note(err) })
	told := int64(0)
	for {
		rec, err := in.next(r, path)
		if errors.Is(err, io.EOF) {
			in.done += r.Offset()
			return nil
		}
		if err == nil && chosen(rec) {
			err = do(rec)
		}
		if err != nil {
			return err
		}
		if r.Offset()-told >= progressEvery {
			told = r.Offset()
			if err := in.ctx.Err(); err != nil {
				return err
			}
			if in.o.Progress != nil {
				in.o.Progress(in.done+told, in.total)
			}
		}
	}
}

// next is the next record; lines that are none are left out if the options
// say so.
func (in *input) next(r *Reader, path string) (record, error) {
	for {
		rec, err := r.Read()
		var line *LineError
		switch {
		case err == nil || errors.Is(err, io.EOF):
			return rec, err
		case !errors.As(err, &line):
			return rec, fmt.Errorf("%s: %w", path, err)
		case !in.o.Skip:
			return rec, err
		}
		in.note(err)
	}
}

func (in *input) note(err error) {
	switch n := len(in.notes); {
	case n < maxNotes:
		in.notes = append(in.notes, err.Error())
	case n == maxNotes:
		in.notes = append(in.notes, "and more of the kind")
	}
}
