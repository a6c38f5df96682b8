package msrp

import (
	"context"
	"errors"
	"strings"
)

const hdrUseNickname = "Use-Nickname"

// nickname handles a NICKNAME request. The result is its answer; nil is 200.
// See RFC 7701, section 7.
func (s *Session) nickname(f *frame) *StatusError {
	if s.sc.Nickname == nil {
		return status(StatusUnknownMethod, "")
	}
	name, ok := unquote(f.header.Get(hdrUseNickname))
	if !ok {
		return status(StatusBadNickname, "")
	}
	return refusalFor(s.sc.Nickname(name))
}

// Nickname asks a chat server for a nickname; "" gives up the one there is. A
// refusal is a *StatusError: 425 means that somebody else has it, 501 that
// there are none. See RFC 7701, section 7.
func (s *Session) Nickname(ctx context.Context, name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("msrp: a nickname holds no control characters")
	}
	select {
	case <-s.bound:
	default:
		return errors.New("msrp: the session is not bound yet")
	}
	c := s.conn()
	_, to := s.target()
	tid := newTransactionID()
	head := appendRequest(nil, tid, "NICKNAME", to, s.from)
	head = appendField(head, hdrUseNickname, quoted(name))
	_, err := c.exchange(ctx, tid, head)
	return err
}

// unquote takes a quoted-string apart. See RFC 4975, section 9.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"', s[i] < ' ' && s[i] != '\t', s[i] == 0x7f:
			return "", false
		case s[i] == '\\':
			if i++; i == len(s) || s[i] != '\\' && s[i] != '"' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}
