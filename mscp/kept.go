package mscp

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// MsgKept is a notification of ours, in ExtensionNamespace: how many messages the MS
// keeps for a pair, after something has changed that.
type MsgKept struct {
	FromURI, ToURI string
	ConnectionID   string // of the session in which it has changed; "" for none
	FromName       string // display name of the sender; "" if there is none
	Session        string // SessionStore, SessionOpen, SessionPush or SessionStoreChange; "" in old ones
	Messages       int    // how many are kept; below 0: not told
	Bytes          int64  // that the session has stored; 0 if not told
}

// What a MsgKept is about.
const (
	SessionStore       = "store"        // a store session has ended
	SessionOpen        = "open"         // one that goes on has its first message
	SessionPush        = "push"         // a push session has ended in which the recipient has sent something back
	SessionStoreChange = "store-change" // an operator, or the time, has changed what is kept
)

func (*MsgKept) elementName() string { return "MsgKept" }

var msgKeptShape = shape{kind: Notification, section: "MsgKept", own: true,
	attrs: []attrSpec{
		{"from-uri", trimmed, true, ""},
		{"to-uri", trimmed, true, ""},
		{"connection-id", trimmed, true, ""},
		{attrFromName, anyString, false, ""},
		{"session", trimmed, false, ""},
	},
	typed: []string{"messages", "bytes"},
}

func (e *MsgKept) shape() *shape { return &msgKeptShape }
func (e *MsgKept) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.FromName, &e.Session}[i]
}

func (e *MsgKept) writeTyped(b *bytes.Buffer) {
	if e.Messages >= 0 {
		writeAttr(b, "messages", strconv.Itoa(e.Messages))
	}
	if e.Bytes > 0 {
		writeAttr(b, "bytes", strconv.FormatInt(e.Bytes, 10))
	}
}

func (e *MsgKept) readTyped(r *reading, n *xmltree.Node) {
	e.Messages = -1
	if s, ok := n.Attr("messages"); ok {
		if c, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil && c >= 0 {
			e.Messages = int(c)
		}
	}
	if e.Messages < 0 {
		r.note(n, false, "messages of MsgKept is no number of 0 or more (MsgKept)")
	}
	if s, ok := n.Attr("bytes"); ok {
		c, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil || c < 0 {
			r.note(n, false, "bytes of MsgKept is no number of 0 or more (MsgKept)")
			return
		}
		e.Bytes = c
	}
}
