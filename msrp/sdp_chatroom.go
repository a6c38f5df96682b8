package msrp

import (
	"errors"
	"slices"
	"strings"
)

const (
	tokenNickname = "nickname"
	tokenPrivate  = "private-messages"
)

// Chatroom is the chatroom attribute of a media description: the parts of RFC 7701 that
// its sender supports and, if it is a chat room, allows. An answer does not depend on the
// offer's attribute. See RFC 7701, section 8.
type Chatroom struct {
	// Nicknames reports whether Session.Nickname may be used.
	Nicknames bool
	// PrivateMessages reports whether messages for one participant are accepted.
	PrivateMessages bool
	// Extensions are other tokens, such as "com.example.chat.foo".
	Extensions []string
}

// parseChatroom reads the value of a chatroom attribute. Tokens that are not
// well-formed, and repeated ones, are ignored. "nicknames" is read as "nickname":
// the text of RFC 7701 has the one, its grammar the other.
func parseChatroom(value string) *Chatroom {
	c := &Chatroom{}
	for _, token := range strings.Fields(value) {
		switch {
		case strings.EqualFold(token, tokenNickname), strings.EqualFold(token, "nicknames"):
			c.Nicknames = true
		case strings.EqualFold(token, tokenPrivate):
			c.PrivateMessages = true
		case isSIPToken(token) && !slices.Contains(c.Extensions, token):
			c.Extensions = append(c.Extensions, token)
		}
	}
	return c
}

// value is that of the attribute; "" if no token stands behind its name.
func (c *Chatroom) value() string { return strings.Join(c.tokens(), " ") }

func (c *Chatroom) tokens() []string {
	var all []string
	if c.Nicknames {
		all = append(all, tokenNickname)
	}
	if c.PrivateMessages {
		all = append(all, tokenPrivate)
	}
	return append(all, c.Extensions...)
}

// checkTokens refuses what has no place in the attribute.
func (c *Chatroom) checkTokens() error {
	all := c.tokens()
	for i, token := range all {
		if !isSIPToken(token) {
			return errors.New("msrp: Chatroom.Extensions has what is no token")
		}
		if slices.ContainsFunc(all[:i], func(before string) bool { return strings.EqualFold(before, token) }) {
			return errors.New("msrp: Chatroom.Extensions has a token twice") // [RFC7701-8-1]
		}
	}
	return nil
}

// isSIPToken is rule token of RFC 3261.
func isSIPToken(s string) bool {
	return s != "" && badByte(s, func(c byte) bool { return isAlnum(c) || strings.IndexByte("-.!%*_+`'~", c) >= 0 }) < 0
}
