package msrp

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// The attributes as RFC 5547, section 6, and clients in use write them.
func TestFileAttributes(t *testing.T) {
	berlin := time.FixedZone("", 3*3600)
	for name, test := range map[string]struct {
		lines []string
		want  *File
	}{
		"none": {nil, nil},
		"the example": {[]string{
			`a=file-selector:name:"My cool picture.jpg" type:image/jpeg size:32349 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E`,
			"a=file-transfer-id:vBnG916bdberum2fFEABR1FR3ExZMUrd", "a=file-disposition:attachment",
			`a=file-date:creation:"Mon, 15 May 2006 15:01:31 +0300"`, "a=file-icon:cid:id2@alicepc.example.com", "a=file-range:1-32349"},
			&File{Name: "My cool picture.jpg", Type: "image/jpeg", Size: 32349,
				Hashes:     []FileHash{{"sha-1", []byte("\x72\x24\x5F\xE8\x65\x3D\xDA\xF3\x71\x36\x2F\x86\xD4\x71\x91\x3E\xE4\xA2\xCE\x2E")}},
				TransferID: "vBnG916bdberum2fFEABR1FR3ExZMUrd", Disposition: "attachment",
				Created: time.Date(2006, 5, 15, 15, 1, 31, 0, berlin), Icon: "cid:id2@alicepc.example.com", First: 1, Last: 32349}},
		"as Blink has it": {[]string{`a=file-selector:name:"p.png" type:image/png size:28232`, "a=file-transfer-id:3dbbaf32"},
			&File{Name: "p.png", Type: "image/png", Size: 28232, TransferID: "3dbbaf32"}},
		"quotes, escapes and blanks": {[]string{`a=file-selector:size:4 name:"50%25 of %22all%22 é%0D%0A: x.txt" type:text/plain;charset="utf-8"`},
			&File{Name: "50% of \"all\" é\r\n: x.txt", Type: `text/plain;charset="utf-8"`, Size: 4}},
		"an escape that is none": {[]string{`a=file-selector:name:"100%.txt"`}, &File{Name: "100%.txt"}},
		"a name without quotes":  {[]string{"a=file-selector:name:x.txt size:3"}, &File{Name: "x.txt", Size: 3}},
		"a selector alone":       {[]string{"a=file-selector"}, &File{}},
		"to the end":             {[]string{"a=file-range:5-*"}, &File{First: 5}},
		"without sense": {[]string{`a=file-selector:name:"" size:-4 size:x type:none hash:sha-1 hash:sha-1:ZZ colour:red`, "a=file-range:9-4",
			`a=file-date:creation:"yesterday"`}, &File{}},
		"several dates": {[]string{`a=file-date:creation:"Mon, 15 May 2006 15:01:31 +0300" modification:"15 May 2006 16:01 +0300" read:"Mon, 1 May 2006 00:00:00 +0300"`},
			&File{Created: time.Date(2006, 5, 15, 15, 1, 31, 0, berlin), Modified: time.Date(2006, 5, 15, 16, 1, 0, 0, berlin), Read: time.Date(2006, 5, 1, 0, 0, 0, 0, berlin)}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseSDP(described("TCP/MSRP", test.lines...))
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, m.File, test.want)
			if test.want == nil {
				return
			}
			ours := &Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}, File: m.File} // and back
			b, err := ours.Offer()
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParseSDP(b)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(test.want, &File{}) {
				wantFile(t, back.File, test.want)
			}
		})
	}
}

func wantFile(t *testing.T, got, want *File) {
	t.Helper()
	if (got == nil) != (want == nil) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if got == nil {
		return
	}
	if !got.Created.Equal(want.Created) || !got.Modified.Equal(want.Modified) || !got.Read.Equal(want.Read) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	g, w := *got, *want
	for _, f := range []*File{&g, &w} {
		f.Created, f.Modified, f.Read = time.Time{}, time.Time{}, time.Time{}
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %+v\nwant %+v", g, w)
	}
}

// A file's name, whatever it is, stays within its attribute.
func TestFileAttributesAreWritten(t *testing.T) {
	write := func(f File) (string, error) {
		b, err := (&Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}, File: &f}).Offer()
		return string(b), err
	}
	got, err := write(File{Name: "a\r\na=inactive \"100%\"\x00.txt", Size: 7, Type: "text/plain; charset=utf-8",
		Hashes: []FileHash{{"SHA-1", []byte{0xab, 1}}}, First: 2})
	want := `a=file-selector:name:"a%0D%0Aa=inactive %22100%25%22%00.txt" type:text/plain;charset="utf-8" size:7 hash:sha-1:AB:01` + "\r\na=file-range:2-*\r\n"
	if err != nil || !strings.Contains(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for name, f := range map[string]File{
		"negative size": {Size: -1}, "range backwards": {First: 5, Last: 4}, "range without start": {Last: 4}, "not UTF-8": {Name: "\xff"},
		"type": {Type: "text plain"}, "type without /": {Type: "text"}, "transfer-id": {TransferID: "a b"},
		"disposition": {Disposition: "a\r\nb"}, "icon": {Icon: "http://x"}, "hash": {Hashes: []FileHash{{"", []byte{1}}}},
	} {
		if got, err := write(f); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}
