// Charts: script text for gnuplot, and gnuplot itself as a subprocess.
#ifndef SKEW_CLIENT_REPORT_GNUPLOT_H_
#define SKEW_CLIENT_REPORT_GNUPLOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

enum class ImageFormat { kSvg, kPng, kPdf };

// A gnuplot string of this text: in single quotes, where gnuplot expands nothing. Control characters become '?'.
std::string GnuplotText(absl::string_view text);

// What selects the output of a script and must come first in it. `width` and `height` are CSS pixels (1/96 inch); a PNG
// has twice as many, for sharp print.
std::string GnuplotTerminal(ImageFormat format, int width, int height);

// Runs `program` (found through PATH) with the script as its standard input and returns its standard output.
// FAILED_PRECONDITION, naming the package, when there is no such program; INTERNAL with what it wrote to its standard
// error when it ends with an error or draws nothing.
absl::StatusOr<std::string> RunGnuplot(const std::string& script, const std::string& program = "gnuplot");

// Gnuplot's SVG as an element for an HTML page: no prologue, no namespaces (HTML knows them), every id begun with
// `prefix` so that the ids of several pictures differ, the page's own fonts, scaled to the width there is, and
// `title` for those who do not see it.
std::string InlineSvg(absl::string_view svg, absl::string_view prefix, absl::string_view title);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_GNUPLOT_H_
