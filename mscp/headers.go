package mscp

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

// headers reads the header fields and the empty line, and returns the length
// of the body.
func (r *Reader) headers(p *PDU) (int, error) {
	length, types := -1, 0
	for n := 0; ; n++ {
		at := r.offset
		line, err := r.line()
		if err != nil {
			return 0, noEOF(err)
		}
		if line == "" && n == 0 {
			continue // the grammar's doubled CRLF after the start line
		}
		if line == "" {
			break
		}
		if n > MaxHeaders {
			return 0, r.fail("more than %d headers", MaxHeaders)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return 0, r.fail("header %q has no colon", shorten(line))
		}
		trimmed := strings.TrimSpace(name)
		if trimmed != name {
			r.note(at, "blanks around the header name %s (section 7.2.2)", shorten(trimmed))
		}
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(trimmed, "Content-Type"):
			p.ContentType = value
			if types++; types > 1 {
				r.note(at, "Content-Type twice (section 7.2.2)")
			}
		case strings.EqualFold(trimmed, "Content-Length"):
			if length >= 0 {
				r.note(at, "Content-Length twice (section 7.2.2)")
			}
			if length, err = r.contentLength(value, length); err != nil {
				return 0, err
			}
		default:
			r.note(at, "header %s is not of the draft (section 7.2.2)", shorten(trimmed))
		}
	}
	if length < 0 {
		return 0, r.fail("no Content-Length (section 7.2.2)") // [MSCP-7.2.2-1]
	}
	if types == 0 {
		r.note(0, "no Content-Type (section 7.2.2)") // [MSCP-7.2.2-1]
	}
	return length, nil
}

func (r *Reader) contentLength(value string, before int) (int, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0, r.fail("Content-Length %q is no number", shorten(value))
	}
	if n > MaxBody {
		return 0, r.fail("Content-Length %d is over the limit of %d", n, MaxBody)
	}
	if before >= 0 && before != int(n) { // [MSCP-7.2.2-2]
		return 0, r.fail("two Content-Lengths, %d and %d", before, n)
	}
	return int(n), nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
