package ladder

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// letterRows makes rows of letters: one is one message, a capital the way back.
func letterRows(s string) (rows []Row) {
	for i, c := range s {
		r := Row{Time: time.Unix(0, int64(i)*1e9), To: 1, Protocol: "SIP", Label: string(c)}
		if c >= 'A' && c <= 'Z' {
			r.From, r.To = 1, 0
		}
		rows = append(rows, r)
	}
	return rows
}

func TestFoldRepeats(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"abc":                                  "abc",
		"aaa":                                  "aaa",
		"aaaa":                                 "a(3)",
		"xaaaaay":                              "xa(4)y",
		"xaBaBaBaBy":                           "xaB(6)y",
		"aBaBaBa":                              "aBaBaBa",
		"abcabcabcabcabz":                      "abc(9)abz",
		"abababababbbbbbbb":                    "ab(8)b(6)",
		strings.Repeat("abcdefgh", 100) + "i":  "abcdefgh(792)i",
		strings.Repeat("abcdefghi", 4) + "jjj": strings.Repeat("abcdefghi", 4) + "jjj",
	} {
		d := Diagram{Lanes: []string{"x", "y"}, Rows: letterRows(in), Start: time.Unix(0, 0)}
		d.foldRepeats()
		var got strings.Builder
		total := 0
		for _, r := range d.Rows {
			if total++; r.Folded > 0 {
				total += r.Folded - 1
				got.WriteString("(" + strconv.Itoa(r.Folded) + ")")
				continue
			}
			got.WriteString(r.Label)
		}
		if total != len(in) || got.String() != want {
			t.Errorf("%s: %s, of %d messages, not %s", in, got.String(), total, want)
		}
		var text, svg strings.Builder
		if err := d.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		if folded := strings.Contains(want, "("); folded != strings.Contains(text.String(), "times more, until") || folded != strings.Contains(svg.String(), "times more, until") {
			t.Errorf("%s is drawn\n%s", in, text.String())
		}
	}
}

// TestExplain draws the recorded call with what its messages are for.
func TestExplain(t *testing.T) {
	files, err := filepath.Glob("testdata/call/*.trace")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(t.Context(), files, Options{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	notes := map[string]string{}
	for _, r := range d.Rows {
		notes[r.Label+": "+r.Note] = r.Protocol
	}
	for _, want := range []string{
		"INVITE [MSCP SDP]: asks for a control channel: MSCP over a TCP connection",
		"INVITE [SDP]: alice@example.com calls bob@example.com, and offers MSRP",
		"REQ RestoreMsg: what comes in this call is from alice@example.com, to be kept for bob@example.com",
		"NOTIF MsgKept: 1 messages from alice@example.com are kept for bob@example.com",
		"REQ SendMsg: deliver in this call what is kept from alice@example.com for bob@example.com",
		"200 MsgSended: all of it was delivered",
		"REGISTER: bob@example.com says where they are",
		"NOTIFY open: they are there",
		"SEND 1-0/0: nothing yet: says whose connection this is",
		"100 Trying: ",
	} {
		if notes[want] == "" {
			t.Errorf("there is no %q", want)
		}
	}
	var text, svg strings.Builder
	if err := d.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{text.String(), svg.String()} {
		if !strings.Contains(s, "brings the answer to the offer") {
			t.Errorf("the notes are not drawn:\n%s", s)
		}
	}
}
