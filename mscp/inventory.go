package mscp

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// The inventory is how an AS that has lost its memory learns from an MS for
// whom messages are kept: the AS asks with SendInventory, the MS answers
// InventoryFollows and then sends Inventory notifications. The elements are in
// ExtensionNamespace, whatever the dialect. An MS that does not know them
// answers as to any request that it does not know, and nothing is lost.

// MaxInventoryPairs bounds the pairs of one Inventory; more make further ones.
const MaxInventoryPairs = 256

// SendInventory asks the MS to tell all pairs that it keeps messages for.
type SendInventory struct {
	InventoryID string // chosen by the AS; the notifications repeat it
}

// InventoryFollows says that the MS will tell, by notifications, which come
// after this response.
type InventoryFollows struct{ InventoryID string }

// Inventory is a notification of some of the pairs that the MS keeps messages
// for.
type Inventory struct {
	InventoryID string // as in the request
	Batch       int    // from 1
	Last        bool   // nothing follows: with this one, all has been told
	Pairs       []InventoryPair
}

// An InventoryPair is who has left messages for whom.
type InventoryPair struct {
	FromURI, ToURI string
	FromName       string    // display name of the sender; "" if there is none
	Messages       int       // how many; 0 while a session may still leave some
	Oldest         time.Time // when the oldest came, to the second; zero: not told
}

func (*SendInventory) elementName() string    { return "SendInventory" }
func (*InventoryFollows) elementName() string { return "InventoryFollows" }
func (*Inventory) elementName() string        { return "Inventory" }

// ownElement is one of the three above, or RequestFailed.
type ownElement interface {
	Element
	encode(b *bytes.Buffer)
}

func (e *SendInventory) encode(b *bytes.Buffer)    { encodeInventoryID(b, e, e.InventoryID) }
func (e *InventoryFollows) encode(b *bytes.Buffer) { encodeInventoryID(b, e, e.InventoryID) }

func encodeInventoryID(b *bytes.Buffer, e Element, id string) {
	b.WriteString("<" + e.elementName())
	writeAttr(b, "xmlns", ExtensionNamespace) // [MSCP-3.3-2]
	writeAttr(b, "inventory-id", id)
	b.WriteString("/>")
}

func (e *Inventory) encode(b *bytes.Buffer) {
	b.WriteString("<Inventory")
	writeAttr(b, "xmlns", ExtensionNamespace) // [MSCP-3.3-2]
	writeAttr(b, "inventory-id", e.InventoryID)
	writeAttr(b, "batch", strconv.Itoa(e.Batch))
	writeAttr(b, "last", strconv.FormatBool(e.Last))
	b.WriteByte('>')
	for _, p := range e.Pairs {
		b.WriteString("<Pair")
		writeAttr(b, "from-uri", p.FromURI)
		writeAttr(b, "to-uri", p.ToURI)
		if p.FromName != "" {
			writeAttr(b, attrFromName, p.FromName)
		}
		writeAttr(b, "messages", strconv.Itoa(p.Messages))
		if !p.Oldest.IsZero() {
			writeAttr(b, "oldest", p.Oldest.UTC().Format(time.RFC3339))
		}
		b.WriteString("/>")
	}
	b.WriteString("</Inventory>")
}

// isInventory reports whether the element is one of the inventory.
func isInventory(n *xmltree.Node) bool {
	if n.Space != ExtensionNamespace {
		return false
	}
	switch n.Local {
	case "SendInventory", "InventoryFollows", "Inventory":
		return true
	}
	return false
}

// inventory reads one of its elements.
func (r *reading) inventory(kind Kind, n *xmltree.Node) Element {
	id, ok := n.Attr("inventory-id")
	if id = strings.TrimSpace(id); !ok {
		r.note(n, false, "%s has no inventory-id (inventory)", n.Local)
	}
	r.noText(n, false)
	var e Element
	var of Kind
	switch n.Local {
	case "SendInventory":
		e, of = &SendInventory{InventoryID: id}, Request
		r.unknownAttrs(n, "inventory-id")
	case "InventoryFollows":
		e, of = &InventoryFollows{InventoryID: id}, Response
		r.unknownAttrs(n, "inventory-id")
	default:
		e, of = r.pairs(n, id), Notification
		r.unknownAttrs(n, "inventory-id", "batch", "last")
	}
	if kind != of {
		r.note(n, false, "%s in a %s (inventory)", n.Local, kind)
	}
	return e
}

// pairs reads an Inventory. A pair without its URIs stands for nothing, and is
// left out.
func (r *reading) pairs(n *xmltree.Node, id string) *Inventory {
	inv := &Inventory{InventoryID: id}
	inv.Batch = r.count(n, "batch")
	last, _ := n.Attr("last")
	inv.Last = strings.TrimSpace(last) == "true"
	if wrong := boolean.check(strings.TrimSpace(last)); wrong != "" {
		r.note(n, false, "last of Inventory %s (inventory)", wrong)
	}
	for _, kid := range n.Kids {
		if kid.Space != ExtensionNamespace || kid.Local != "Pair" {
			continue // [MSCP-3.3-3]
		}
		from, _ := kid.Attr("from-uri")
		to, _ := kid.Attr("to-uri")
		p := InventoryPair{FromURI: strings.TrimSpace(from), ToURI: strings.TrimSpace(to), Messages: r.count(kid, "messages")}
		p.FromName, _ = kid.Attr(attrFromName)
		if oldest, ok := kid.Attr("oldest"); ok {
			t, err := time.Parse(time.RFC3339, strings.TrimSpace(oldest))
			if err != nil || t.Year() < 1970 || t.Year() > 9998 {
				r.note(kid, false, "oldest of Pair is no time (inventory)")
			} else {
				p.Oldest = t.UTC().Truncate(time.Second)
			}
		}
		r.unknownAttrs(kid, "from-uri", "to-uri", "messages", "oldest", attrFromName)
		if p.FromURI == "" || p.ToURI == "" {
			r.note(kid, false, "Pair has no from-uri or to-uri (inventory)")
			continue
		}
		if len(inv.Pairs) == MaxInventoryPairs {
			r.note(kid, false, "more than %d pairs (inventory)", MaxInventoryPairs)
		}
		inv.Pairs = append(inv.Pairs, p) // bounded by MaxElements
	}
	return inv
}

// count reads an attribute that is a number of 0 or more; 0 if it is none.
func (r *reading) count(n *xmltree.Node, name string) int {
	s, _ := n.Attr(name)
	c, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil || c < 0 {
		r.note(n, false, "%s of %s is no number of 0 or more (inventory)", name, shorten(n.Local))
		return 0
	}
	return int(c)
}
