// Package musts compares the tables of requirements (MUSTS.md) with the code, for tests.
//
// A row of a table has a tag such as RFC4975-7.1-3, the files whose code meets the
// requirement, and the tests for it. The code has the tag in brackets. Check compares
// tags, rows and tests. Mutate breaks the code at each tag and checks whether the tests
// of its row fail.
package musts
