package mscp

import (
	"strings"
	"testing"
)

// TestFromName writes a sender's display name, in the dialect that has it, and reads it.
func TestFromName(t *testing.T) {
	const name = `Alice "the" <W> & 李`
	doc := &Document{Kind: Request, Element: &RestoreMsg{FromURI: "sip:a@x", ToURI: "sip:b@x", ConnectionID: "c", FromName: name, FromAlso: "tel:+1 sip:c@x"}}
	if b := doc.Encode(Paper); strings.Contains(string(b), "from-name") || strings.Contains(string(b), "from-also") {
		t.Errorf("the paper's dialect: %s", b)
	}
	b := doc.Encode(Draft)
	read, err := ParseDocument(b)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := read.Element.(*RestoreMsg); !ok || r.FromName != name || r.FromAlso != "tel:+1 sip:c@x" {
		t.Errorf("%s is read as %+v", b, read.Element)
	}
	doc.Element = &RestoreMsg{FromURI: "sip:a@x", ToURI: "sip:b@x", ConnectionID: "c"}
	if b := doc.Encode(Draft); strings.Contains(string(b), "from-name") || strings.Contains(string(b), "from-also") {
		t.Errorf("without a name: %s", b)
	}
	inv := &Document{Kind: Notification, Element: &Inventory{InventoryID: "1", Batch: 1, Last: true, Pairs: []InventoryPair{{FromURI: "sip:a@x", ToURI: "sip:b@x", FromName: name}}}}
	if read, err = ParseDocument(inv.Encode(Draft)); err != nil {
		t.Fatal(err)
	}
	if i, ok := read.Element.(*Inventory); !ok || len(i.Pairs) != 1 || i.Pairs[0].FromName != name {
		t.Errorf("read %+v", read.Element)
	}
}
