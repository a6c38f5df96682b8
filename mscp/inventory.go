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

// ownElements makes every element of ours by its name.
var ownElements = map[string]func() typedElement{
	"SendInventory":    func() typedElement { return &SendInventory{} },
	"InventoryFollows": func() typedElement { return &InventoryFollows{} },
	"Inventory":        func() typedElement { return &Inventory{} },
	"MsgKept":          func() typedElement { return &MsgKept{} },
	"RequestFailed":    func() typedElement { return &RequestFailed{} },
}

// inventoryID is the attribute that the three elements share.
var inventoryID = []attrSpec{{"inventory-id", trimmed, true, ""}}

var sendInventoryShape = shape{kind: Request, section: "inventory", own: true, attrs: inventoryID,
	responses: []string{"InventoryFollows"},
	repeats:   []repeated{{"inventory-id", "inventory-id", true}},
}

func (e *SendInventory) shape() *shape    { return &sendInventoryShape }
func (e *SendInventory) attr(int) *string { return &e.InventoryID }

var inventoryFollowsShape = shape{kind: Response, section: "inventory", own: true, attrs: inventoryID}

func (e *InventoryFollows) shape() *shape    { return &inventoryFollowsShape }
func (e *InventoryFollows) attr(int) *string { return &e.InventoryID }

var inventoryShape = shape{kind: Notification, section: "inventory", own: true, attrs: inventoryID, typed: []string{"batch", "last"}}

func (inv *Inventory) shape() *shape    { return &inventoryShape }
func (inv *Inventory) attr(int) *string { return &inv.InventoryID }

func (inv *Inventory) writeTyped(b *bytes.Buffer) {
	writeAttr(b, "batch", strconv.Itoa(inv.Batch))
	writeAttr(b, "last", strconv.FormatBool(inv.Last))
}

func (inv *Inventory) writeChildren(b *bytes.Buffer) {
	for _, p := range inv.Pairs {
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
}

// readTyped takes what is no string. A pair without its URIs stands for nothing, and is left
// out.
func (inv *Inventory) readTyped(r *reading, n *xmltree.Node) {
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
