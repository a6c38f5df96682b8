package msrp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const hdrUseNickname = "Use-Nickname"

// MaxNickname is the longest nickname, in bytes. See RFC 7701, section 7.1.
const MaxNickname = 1023

// handleNickname handles a NICKNAME request. The result is its answer; nil is 200.
// See RFC 7701, section 7.
func (s *Session) handleNickname(f *frame) *StatusError {
	if s.sc.Nickname == nil {
		return status(StatusUnknownMethod, "")
	}
	name, ok := unquote(f.header.Get(hdrUseNickname))
	if !ok || len(name) > MaxNickname {
		return status(StatusBadNickname, "") // [RFC7701-7.1-4]
	}
	return refusalFor(s.sc.Nickname(name)) // [RFC7701-7.1-5] [RFC7701-7.1-6]
}

// Nickname requests a nickname of at most MaxNickname bytes from a chat room; "" gives up
// the present one. Use it only if the room's SDP has Chatroom.Nicknames. A refusal is a
// *StatusError: 403 if the room has no nicknames, 424 if it does not accept this one, 425
// if another participant has it, 501 if the peer is not a chat room. After a refusal, the
// present nickname stays. See RFC 7701, section 7.
func (s *Session) Nickname(ctx context.Context, name string) error {
	switch i := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }); {
	case len(name) > MaxNickname:
		return syntaxErr("nickname", MaxNickname, fmt.Sprintf("longer than %d bytes", MaxNickname)) // [RFC7701-7.1-2]
	case !utf8.ValidString(name):
		return syntaxErr("nickname", 0, "not UTF-8")
	case i >= 0:
		return syntaxErr("nickname", i, "a control character")
	}
	select {
	case <-s.bound:
	default:
		return errors.New("msrp: the session is not bound yet")
	}
	c := s.conn()
	_, to, err := s.target()
	if err != nil {
		return err
	}
	tid := newTransactionID()
	head := appendRequest(nil, tid, "NICKNAME", to, s.from) // and no report headers [RFC7701-7.1-3]
	head = appendField(head, hdrUseNickname, quoted(name))  // [RFC7701-7.1-1] [RFC7701-7.3-1]
	_, err = c.exchange(ctx, tid, head)
	return err
}

// unquote takes a quoted-string apart. See RFC 4975, section 9.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' || !utf8.ValidString(s) {
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
