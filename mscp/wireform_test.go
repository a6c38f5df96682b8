package mscp

import (
	"strings"
	"testing"
)

// TestWritten is what is written, to the byte.
func TestWritten(t *testing.T) {
	for want, d := range map[string]*Document{
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><request id="r1"><join id1="a" id2="b"></join></request></mscp>`: {
			Kind: Request, ID: "r1", Element: &Join{ID1: "a", ID2: "b"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><response><errordialognotstarted dialogid="d" connectionid="" reason="r"></errordialognotstarted></response></mscp>`: {
			Kind: Response, Element: &ErrorDialogNotStarted{DialogID: "d", Reason: "r"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><response><errordialognotstarted dialogid="d" conferenceid="c" reason="r"></errordialognotstarted></response></mscp>`: {
			Kind: Response, Element: &ErrorDialogNotStarted{DialogID: "d", ConferenceID: "c", Reason: "r"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><response xmlns:o="urn:x-mscp:offline-message:1" o:status="400"><RequestFailed xmlns="urn:x-mscp:offline-message:1" reason="r"/></response></mscp>`: {
			Kind: Response, Status: 400, Element: &RequestFailed{Reason: "r"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><SendMsg xmlns="urn:x-mscp:offline-message:1" from-uri="a" to-uri="b" connection-id="c"/></request></mscp>`: {
			Kind: Request, Element: &SendMsg{"a", "b", "c"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><SendInventory xmlns="urn:x-mscp:offline-message:1" inventory-id="i"/></request></mscp>`: {
			Kind: Request, Element: &SendInventory{InventoryID: "i"}},
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><notification><Inventory xmlns="urn:x-mscp:offline-message:1" inventory-id="i" batch="1" last="true"></Inventory></notification></mscp>`: {
			Kind: Notification, Element: &Inventory{InventoryID: "i", Batch: 1, Last: true}},
	} {
		if got := string(d.Encode(Draft)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	bare := Document{Kind: Request, Element: &SendMsg{"a", "b", "c"}}
	if got := string(bare.Encode(Paper)); got != `<request><SendMsg from-uri="a" to-uri="b" connection-id="c"/></request>` {
		t.Errorf("in the paper's dialect: %s", got)
	}
	for want, p := range map[string]*PDU{
		"REQ MSCP/1.0 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: 2\r\n\r\nab":                     {Kind: Request, ID: 7, Body: []byte("ab")},
		"MSCP/1.0 400 Bad Request 007\r\nContent-Type: application/mscp+xml\r\nContent-Length: 0\r\n\r\n":         {Kind: Response, Status: 400, ID: 7, Token: "007"},
		"NOTIF MSCP/1.0\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\nContent-Length: 1\r\n\r\na":           {Kind: Notification, ContentType: `multipart/mixed; boundary="x"`, Body: []byte("a")},
		"MSCP/1.0 500 Internal Error 1\r\nContent-Type: application/mscp+xml\r\nContent-Length: 3\r\n\r\nabc":     {Kind: Response, Status: 500, ID: 1, Body: []byte("abc")},
		"MSCP/1.0 200 OK 18446744073709551615\r\nContent-Type: application/mscp+xml\r\nContent-Length: 0\r\n\r\n": {Kind: Response, Status: 200, ID: 1<<64 - 1},
	} {
		var b strings.Builder
		if err := p.Write(&b); err != nil || b.String() != want {
			t.Errorf("got  %q, %v\nwant %q", b.String(), err, want)
		}
	}
	if m := NewOffer("h"); *m != (Media{Host: "h", Port: 9, Setup: "active", Connection: "new"}) {
		t.Errorf("offer %+v", m)
	}
	if m := (&Media{TLS: true}).Answer("h", 7); *m != (Media{Host: "h", Port: 7, TLS: true, Setup: "passive", Connection: "new"}) {
		t.Errorf("answer %+v", m)
	}
}

// TestWholeDocuments checks what is found wrong with a document beside its element, and
// whether that refuses it.
func TestWholeDocuments(t *testing.T) {
	const join = `<join id1="a" id2="b"/>`
	for _, tc := range []struct {
		doc, want string
		fatal     bool
	}{
		{open + "<request>" + join + "</request>" + closing, "", false},
		{open + `<request id="_r-1.a">` + join + "</request>" + closing, "", false},
		{open + `<notification><dialogterminate dialogid="d"/></notification>` + closing, "", false},
		{open + `<request><dialogprepare connectionid="c"><src><v xmlns="urn:v"/></src><stream type="video" direction="receive"/><stream type="audio" direction="transmit"/>` +
			`<namelist><item name="a" value="b"/></namelist><subscribe><item name="a" value="b"/></subscribe></dialogprepare></request>` + closing, "", false},
		{open + `<request><join id1="a" id2="b"><stream type="audiovideo" direction="up"/></join></request>` + closing, "direction of stream is not one of transmit, receive, both", true},
		{open + `<request><createconference audiomixingpolicy="loud"/></request>` + closing, "audiomixingpolicy of createconference is not one of nbest, manual", true},
		{open + `<request><createconference videomixingpolicy="tall"/></request>` + closing, "videomixingpolicy of createconference is not one of vas, manual, userdefined", true},
		{open + `<notification><dialogtransfer dialogid="d" type="blind" uri=" sip:a " maxtime="0s" connecttimeout="1s"/></notification>` + closing, "", false},
		{open + `<notification><dialogtransfer dialogid="d" type="blind" uri="sip:a b" maxtime="0s" connecttimeout="1s"/></notification>` + closing, "uri of dialogtransfer is no URI", false},
		{open + "<\x00request/>", "(section 3.3)", true},
		{open + "<request></mscp>", "(section 3.3)", true},
		{`<?xml version="1.0" encoding="ISO-8859-1"?>` + open + "<request>" + join + "</request>" + closing, "(section 3.2)", true},
		{open + "<request><join id1='\xff' id2='b'/></request>" + closing, "(section 3.2)", true},
		{`<request><join id1="a" id2="b"/></request>`, "request without mscp around it (section 3.2)", false},
		{`<mscp version="1.0"><request>` + join + "</request></mscp>", "mscp is not in the namespace", true},
		{`<mscp xmlns="urn:ietf:mscp"><request>` + join + "</request></mscp>", "mscp has no version", true},
		{`<mscp version="1" xmlns="urn:ietf:mscp"><request>` + join + "</request></mscp>", `version "1" is not 1.0`, true},
		{open + join + closing, "join is none of request, response and notification", true},
		{open + "<asks>" + join + "</asks>" + closing, "asks is none of request", true},
		{open + `<request xmlns="urn:v">` + join + "</request>" + closing, "mscp is empty", true},
		{open + "<request>" + join + "</request><request>" + join + "</request>" + closing, "more than one element in mscp", true},
		{open + "<request>" + join + join + "</request>" + closing, "more than one element in request", true},
		{open + "<request/>" + closing, "request is empty", true},
		{open + "<notification/>" + closing, "notification is empty", true},
		{open + "<response/>" + closing, "response holds no element", false},
		{open + "<response>oh</response>" + closing, "response holds no element", false},
		{open + "<request>oh" + join + "</request>" + closing, "text in request", true},
		{open + "oh<request>" + join + "</request>" + closing, "text in mscp", true},
		{open + `<notification id="a"><dialogterminate dialogid="d"/></notification>` + closing, "notification has an id", false},
		{open + `<notification a="a"><dialogterminate dialogid="d"/></notification>` + closing, "notification has no attribute a", false},
		{open + `<request id="1">` + join + "</request>" + closing, `id "1" is no xsd:ID`, false},
		{open + `<request a="1">` + join + "</request>" + closing, "request has no attribute a", false},
		{open + `<request xmlns:m="urn:ietf:mscp" m:a="1">` + join + "</request>" + closing, "request has no attribute a", false},
		{open + `<request xmlns:v="urn:v" v:a="1">` + join + "</request>" + closing, "", false},
		{open + `<response>` + join + "</response>" + closing, "join in a response", false},
		{open + `<request><conferencejoined id1="a" id2="b"/></request>` + closing, "conferencejoined in a request", false},
		{open + `<request><join id1="a"/></request>` + closing, "join has no id2", true},
		{open + `<request><join id1="a" id2="b"><item name="a" value="b"/></join></request>` + closing, "item in join", true},
		{open + `<notification><dialogterminatecomplete dialogid="d" reason="busy"/></notification>` + closing, "dialogterminatecomplete instead of dialogtransfercomplete", false},
		{open + `<notification><dialogtransfer dialogid="d" type="bridged" uri="sip:a" maxtime="+0s" connecttimeout="1s"/></notification>` + closing, "", false},
		{open + `<notification><dialoguser event="dtmf" dialogid="d"/></notification>` + closing, "dialoguser has event instead of name", false},
		{open + `<request><join id1="a" id2="b"><stream media="audio" direction="both"/></join></request>` + closing, "stream has media instead of type", false},
		{open + `<request><dialogprepare><src/></dialogprepare></request>` + closing, "src holds 0 elements", true},
		{open + `<request><dialogprepare src="s"><namelist/></dialogprepare></request>` + closing, "namelist without an item", false},
		{open + `<request><dialogprepare src="s"><namelist><item name="a"/></namelist></dialogprepare></request>` + closing, "item has no value", true},
		{open + `<request><dialogprepare src="s"><subscribe><item value="a"/></subscribe></dialogprepare></request>` + closing, "item has no name", true},
		{open + `<request><createconference><subscribe><item name="a" value="b"/></subscribe><subscribe><item name="a" value="b"/></subscribe></createconference></request>` + closing, "subscribe twice", false},
		{open + `<request><dialogprepare><src><v xmlns="urn:v"/></src><src><v xmlns="urn:v"/></src></dialogprepare></request>` + closing, "src twice", true},
	} {
		var all []string
		fatal := false
		for _, f := range Validate([]byte(tc.doc)) {
			all = append(all, f.Rule)
			fatal = fatal || f.Fatal
		}
		if found := strings.Join(all, "\n"); (found == "") != (tc.want == "") || !strings.Contains(found, tc.want) || fatal != tc.fatal {
			t.Errorf("%s\nfatal %t: %s", tc.doc, fatal, found)
		}
	}
}

// TestIgnored checks that what is foreign leaves nothing behind where we have types of
// our own, and that what is not foreign is found.
func TestIgnored(t *testing.T) {
	doc := open + `<notification><o:Inventory xmlns:o="` + ExtensionNamespace + `" xmlns:v="urn:v" v:a="b" inventory-id="i" batch="2" last="false">` +
		`<v:Pair from-uri="x" to-uri="y" messages="1"/><o:Other from-uri="x" to-uri="y" messages="1"/><o:Pair v:a="b" from-uri="a" to-uri="b" messages="3"/></o:Inventory></notification>` + closing
	d, err := ParseWith([]byte(doc), Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if inv, ok := d.Element.(*Inventory); !ok || len(inv.Pairs) != 1 || inv.Pairs[0].FromURI != "a" || inv.Pairs[0].Messages != 3 {
		t.Errorf("%+v", d.Element)
	}
}

// TestNumbers checks what numbers are read as: their value.
func TestNumbers(t *testing.T) {
	for _, attr := range []string{"videomixingvas", "audiomixingnbest"} {
		for in, want := range map[string]string{" +007\n": "7", "12": "12", " 3 ": "3", "99999999999999999999999": "99999999999999999999999"} {
			d, err := ParseWith([]byte(open+`<request><createconference `+attr+`="`+in+`"/></request>`+closing), Options{Strict: true})
			if err != nil || attributeOf(d.Element, attr) != want {
				t.Errorf("%s=%q: %+v, %v", attr, in, d, err)
			}
		}
	}
}

// TestPortOfAnActiveEnd checks that 0, which refuses an m-line, is no wrong port.
func TestPortOfAnActiveEnd(t *testing.T) {
	for port, wrong := range map[string]bool{"9": false, "0": false, "4000": true} {
		sdp := "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=application " + port + " TCP/MS *\r\na=setup:active\r\n"
		found := ValidateSDP([]byte(sdp))
		if (found != nil) != wrong {
			t.Errorf("%s: %v", port, found)
		}
	}
}

// TestDefaults is what the draft says that an attribute means which is not there.
func TestDefaults(t *testing.T) {
	dialog := map[string]string{"type": "application/voicexml+xml", "enctype": "application/x-www-form-urlencoded", "method": "get"}
	for name, want := range map[string]map[string]string{
		"dialogprepare":    dialog,
		"dialogstart":      dialog,
		"dialogterminate":  {"immediate": "false"},
		"createconference": {"reservedmedia": "audio", "audiomixingpolicy": "nbest", "audiomixingnbest": "0", "activespeakernotification": "0", "videomixingvas": "3"},
		"join": {"mediapreferred": "false", "entertone": "true", "exittone": "true", "autoinputgain": "true", "autooutputgain": "true",
			"dtmfclamp": "true", "toneclamp": "true"},
	} {
		e := draftElements[name]()
		SetDefaults(e)
		for i, a := range e.shape().attrs {
			v := e.attr(i)
			if *v != want[a.name] {
				t.Errorf("%s of %s is %q, not %q", a.name, name, *v, want[a.name])
			}
			*v = "7"
		}
		SetDefaults(e)
		for i, a := range e.shape().attrs {
			if v := *e.attr(i); v != "7" {
				t.Errorf("%s of %s was there, and is %q", a.name, name, v)
			}
		}
	}
	for name := range draftElements {
		e := draftElements[name]()
		if SetDefaults(e); name == "dialogexit" && attributeOf(e, "dialogid") != "" {
			t.Errorf("%+v", e)
		}
	}
	prepared := &DialogStart{PreparedDialogID: "d", ConnectionID: "c"}
	SetDefaults(prepared)
	if err := ValidateElement(prepared); err != nil || prepared.Type != "" {
		t.Errorf("%+v, %v", prepared, err)
	}
	SetDefaults(&SendMsg{}) // has none
	SetDefaults(nil)
}
