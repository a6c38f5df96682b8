package mscp

import "testing"

// TestDatatypes reads attributes by the datatypes of section 8, whitespace
// facets included, strictly.
func TestDatatypes(t *testing.T) {
	for _, tc := range []struct {
		in   string // attributes
		name string // of the attribute to look at
		want string // its value; "-" if it is refused
	}{
		{`<createconference reservedtalkers="+5"/>`, "reservedtalkers", "5"},
		{`<createconference reservedtalkers="-0"/>`, "reservedtalkers", "0"},
		{`<createconference reservedtalkers=" 007&#10;"/>`, "reservedtalkers", "7"},
		{`<createconference reservedtalkers="340282366920938463463374607431768211456"/>`, "reservedtalkers", "340282366920938463463374607431768211456"},
		{`<createconference reservedtalkers="-1"/>`, "reservedtalkers", "-"},
		{`<createconference reservedtalkers="5 5"/>`, "reservedtalkers", "-"},
		{`<createconference reservedtalkers="+-5"/>`, "reservedtalkers", "-"},
		{`<createconference reservedtalkers=""/>`, "reservedtalkers", "-"},
		{`<createconference videomixingvas="+0100"/>`, "videomixingvas", "100"},
		{`<createconference videomixingvas="00"/>`, "videomixingvas", "-"},
		{`<createconference reservedmedia=" audio "/>`, "reservedmedia", "audio"},
		{`<join id1=" a" id2="b  c " mediapreferred=" true "/>`, "mediapreferred", "true"},
		{`<join id1=" a" id2="b  c "/>`, "id1", " a"},
		{`<join id1=" a" id2="b  c "/>`, "id2", "b  c "},
		{`<join id1="a" id2="b" mediapreferred="True"/>`, "mediapreferred", "-"},
		{`<join id1="a" id2="b" mediapreferred="1"/>`, "mediapreferred", "-"},
		{`<join id1="a" id2="b" entertone=" false "/>`, "entertone", "false"},
		{`<join id1="a" id2="b" entertone="http://a/my tone.wav"/>`, "entertone", "http://a/my tone.wav"},
		{`<dialogprepare src="http://a/my prompt.vxml"/>`, "src", "http://a/my prompt.vxml"},
		{`<dialogprepare src=" http://a/&#9;b "/>`, "src", "http://a/ b"},
		{`<dialogprepare src="http://a/%zz"/>`, "src", "-"},
		{`<dialogprepare src="http://é/李"/>`, "src", "http://é/李"},
		{`<dialogprepare src="s" method="PUT"/>`, "method", "-"},
		{`<dialogprepare src="s" method=" get"/>`, "method", "get"},
		{`<dialogprepare src="s" maxage="123456789012345678901234567890"/>`, "maxage", "123456789012345678901234567890"},
		{`<dialogprepare src="s" maxage="+5"/>`, "maxage", "-"},
	} {
		doc, err := ParseWith([]byte(open+"<request>"+tc.in+"</request>"+closing), Options{Strict: true})
		got := "-"
		if err == nil {
			got = attributeOf(doc.Element, tc.name)
		}
		if got != tc.want {
			t.Errorf("%s of %s is %q, not %q (%v)", tc.name, tc.in, got, tc.want, err)
		}
	}
	for in, want := range map[string]bool{
		`<dialogtransfer dialogid="d" type="blind" uri="sip:a@x" maxtime="0s" connecttimeout=".5s"/>`:  true,
		`<dialogtransfer dialogid="d" type="blind" uri="sip:a@x" maxtime=" 0s" connecttimeout=".5s"/>`: false,
		`<dialogtransfer dialogid="d" type="blind" uri="a b" maxtime="0s" connecttimeout=".5s"/>`:      false,
		`<dialogterminatecomplete dialogid="d" reason="busy"/>`:                                        false,
		`<dialogtransfercomplete dialogid="d" reason="no_answer"/>`:                                    false,
		`<dialogterminatetransfer dialogid="d" reason="busy"/>`:                                        false,
		`<dialoguser dialogid="d" name=" a.b "/>`:                                                      true,
		`<dialoguser dialogid="d" name="a-b"/>`:                                                        false,
		`<dialoguser dialogid="d" name=""/>`:                                                           false,
		`<dialogexit dialogid="d" connectionid="" conferenceid="c"/>`:                                  false,
	} {
		found := Validate([]byte(open + "<notification>" + in + "</notification>" + closing))
		if (found == nil) != want {
			t.Errorf("%s: %v", in, found)
		}
	}
	doc, err := ParseDocument([]byte(open + `<notification><dialogterminatecomplete dialogid="d" reason="busy"/></notification>` + closing))
	if e, ok := doc.Element.(*DialogTransferComplete); err != nil || !ok || e.DialogID != "d" || e.Reason != "busy" {
		t.Errorf("dialogterminatecomplete: %+v, %v", doc.Element, err)
	}
}

// TestEscapedCharacters has each character that XLink 1.0, section 5.4, escapes in an
// anyURI, where a valid URI must not have it.
func TestEscapedCharacters(t *testing.T) {
	for _, c := range []string{" ", "<", ">", `"`, "{", "}", "|", `\`, "^", "`"} {
		value := "http://a/x" + c + "y"
		prepare := &DialogPrepare{Src: value}
		if err := ValidateElement(prepare); err != nil {
			t.Errorf("%q as an anyURI: %v", value, err)
		}
		transfer := &DialogTransfer{DialogID: "d", Type: "blind", URI: value, MaxTime: "0s", ConnectTimeout: "1s"}
		if err := ValidateElement(transfer); err == nil {
			t.Errorf("%q was taken for a valid URI", value)
		}
	}
	transfer := &DialogTransfer{DialogID: "d", Type: "blind", URI: "http://a/xy", MaxTime: "0s", ConnectTimeout: "1s"}
	if err := ValidateElement(transfer); err != nil {
		t.Error(err)
	}
}
