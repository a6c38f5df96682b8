// Package musts holds the tables of demands (MUSTS.md) to the code, for tests.
//
// A row of a table has a tag such as RFC4975-7.1-3, the files that have the tag
// in brackets beside the code that meets the demand, and the tests that show it.
// [Check] holds tags, rows and tests together. [Mutate] breaks the code at each
// tag and looks whether the tests of its row notice.
package musts
