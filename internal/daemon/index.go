package daemon

import (
	"cmp"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// An indexEntry is one page in the list of them.
type indexEntry struct{ Method, Path, About string }

// Link reports whether the page can be asked for as it is.
func (e indexEntry) Link() bool {
	return e.Method == "GET" && !strings.Contains(e.Path, "{") && !strings.Contains(e.About, "?")
}

var indexTemplate = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{{.Node}}</title>
<style>body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em .2em 0}</style>
<h1>{{.Node}}</h1>
<p>{{.Version}}</p>
<table>
{{range .Pages}}<tr><td>{{.Method}}</td><td>{{if .Link}}<a href="{{.Path}}">{{.Path}}</a>{{else}}{{.Path}}{{end}}</td><td>{{.About}}</td></tr>
{{end}}</table>
</html>
`))

// indexPage lists all pages, in HTML.
func indexPage(c AdminConfig) http.HandlerFunc {
	about := maps.Clone(ownPages)
	for pattern := range c.Pages.Handlers {
		about[pattern] = c.Pages.About[pattern]
	}
	var pages []indexEntry
	for pattern, text := range about {
		method, path, _ := strings.Cut(pattern, " ")
		pages = append(pages, indexEntry{method, path, text})
	}
	slices.SortFunc(pages, func(a, b indexEntry) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = indexTemplate.Execute(w, map[string]any{"Node": c.Node, "Version": ReadVersion().String(), "Pages": pages}) // the reader may have gone
	}
}
