package mscp

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestInventoryRoundTrip(t *testing.T) {
	oldest := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, d := range []Document{
		{Kind: Request, Element: &SendInventory{InventoryID: "a&<b>"}},
		{Kind: Response, Element: &InventoryFollows{InventoryID: "7"}},
		{Kind: Notification, Element: &Inventory{InventoryID: "7", Batch: 1, Last: true}},
		{Kind: Notification, Element: &Inventory{InventoryID: "7", Batch: 2, Pairs: []InventoryPair{
			{FromURI: "sip:alice@example.com", ToURI: "sip:bob@example.com", Messages: 3, Oldest: oldest},
			{FromURI: "sip:\"'&<>@example.com", ToURI: "sip:bob@example.com"},
		}}},
	} {
		for _, dialect := range []Dialect{Draft, Paper} {
			b := d.Encode(dialect)
			got, err := ParseWith(b, Options{Strict: true})
			if err != nil {
				t.Errorf("%s: %v", b, err)
				continue
			}
			if got.Kind != d.Kind || !reflect.DeepEqual(got.Element, d.Element) {
				t.Errorf("%s became %+v, want %+v", b, got.Element, d.Element)
			}
		}
	}
}

// TestInventoryReading reads what a careless MS might send.
func TestInventoryReading(t *testing.T) {
	doc := func(inner string) string {
		return `<mscp version="1.0" xmlns="urn:ietf:mscp"><notification>` + inner + `</notification></mscp>`
	}
	open := `<Inventory xmlns="urn:x-mscp:offline-message:1" inventory-id="1" batch="1" last="false">`
	for name, tc := range map[string]struct {
		inner    string
		pairs    int
		findings int
	}{
		"nothing":         {open + `</Inventory>`, 0, 0},
		"foreign child":   {open + `<x xmlns="urn:x"/><Pair from-uri="a" to-uri="b" messages="1"/></Inventory>`, 1, 0},
		"no URI":          {open + `<Pair from-uri="" to-uri="b" messages="1"/></Inventory>`, 0, 1},
		"no number":       {open + `<Pair from-uri="a" to-uri="b" messages="-1"/></Inventory>`, 1, 1},
		"no time":         {open + `<Pair from-uri="a" to-uri="b" messages="1" oldest="yesterday"/></Inventory>`, 1, 1},
		"unknown name":    {open + `<Pair from-uri="a" to-uri="b" messages="1" color="red"/></Inventory>`, 1, 1},
		"text":            {open + `hello</Inventory>`, 0, 1},
		"bare attributes": {`<Inventory xmlns="urn:x-mscp:offline-message:1"/>`, 0, 3},
		"over the limit":  {open + strings.Repeat(`<Pair from-uri="a" to-uri="b" messages="1"/>`, MaxInventoryPairs+1) + `</Inventory>`, MaxInventoryPairs + 1, 1},
		"wrong container": {`<SendInventory xmlns="urn:x-mscp:offline-message:1" inventory-id="1"/>`, -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(doc(tc.inner))
			d, err := ParseDocument(b)
			if err != nil {
				t.Fatal(err)
			}
			inv, ok := d.Element.(*Inventory)
			if ok != (tc.pairs >= 0) || ok && len(inv.Pairs) != tc.pairs {
				t.Errorf("got %+v", d.Element)
			}
			if found := Validate(b); len(found) != tc.findings {
				t.Errorf("findings: %v", found)
			}
		})
	}
	// In another namespace it is another element.
	d, err := ParseDocument([]byte(doc(`<Inventory xmlns="urn:other"/>`)))
	if _, ok := d.Element.(*Other); err != nil || !ok {
		t.Errorf("another namespace: %+v, %v", d, err)
	}
}

// TestMsgKept writes and reads what an MS keeps, and reads what older or careless ones send.
func TestMsgKept(t *testing.T) {
	for _, e := range []*MsgKept{
		{FromURI: "sip:a&b@x", ToURI: "sip:c@x", ConnectionID: "1;2;3", FromName: `"A" <B>`, Session: SessionStore, Messages: 3, Bytes: 1 << 40},
		{FromURI: "a", ToURI: "b", Session: SessionOpen},
		{FromURI: "a", ToURI: "b", Messages: -1},
	} {
		b := (&Document{Kind: Notification, Element: e}).Encode(Paper)
		got, err := ParseWith(b, Options{Strict: e.Messages >= 0})
		if err != nil || !reflect.DeepEqual(got.Element, e) {
			t.Errorf("%s: %+v, %v", b, got, err)
		}
	}
	for attrs, want := range map[string]struct {
		messages int
		bytes    int64
		findings int
	}{
		`messages=" 2 "`: {2, 0, 0}, `messages="none"`: {-1, 0, 1}, `messages="-2"`: {-1, 0, 1}, ``: {-1, 0, 1},
		`messages="99999999999"`: {-1, 0, 1}, `messages="0" bytes="many"`: {0, 0, 1}, `messages="0" bytes="-1"`: {0, 0, 1},
		`messages="0" bytes="7" color="red"`: {0, 7, 1},
	} {
		b := []byte(open + `<notification><MsgKept xmlns="` + ExtensionNamespace + `" from-uri="a" to-uri="b" connection-id="c" ` + attrs + `/></notification>` + closing)
		d, err := ParseDocument(b)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := d.Element.(*MsgKept); !ok || e.Messages != want.messages || e.Bytes != want.bytes || len(Validate(b)) != want.findings {
			t.Errorf("%s: %+v, %v", attrs, d.Element, Validate(b))
		}
	}
}
