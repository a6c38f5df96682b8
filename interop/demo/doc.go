// Package demo runs the project's main job where anybody can watch: an
// application server and two media servers as processes of their own, a small
// proxy, and two softphones. One user leaves messages for another, who is
// absent and then registers.
//
// Every SIP, MSCP and MSRP message is drawn as it happens, as in the paper's
// figures 2, 3 and 5, and in the end everything that was promised is checked.
package demo
