#include "client/report/gnuplot.h"

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "client/report/figure.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(GnuplotTest, QuotesTextSoThatNothingIsExpanded) {
  EXPECT_EQ(GnuplotText("it's `id` @x \"$y\""), "'it''s `id` @x \"$y\"'");
  EXPECT_EQ(GnuplotText("a\nb"), "'a?b'");
}

TEST(GnuplotTest, DrawsEveryFigureInEveryFormat) {
  const StudyData study = MeasuredStudy(3);
  for (const Figure& figure : StudyFigures(study)) {
    const std::map<ImageFormat, std::string> beginnings = {
        {ImageFormat::kSvg, "<?xml"}, {ImageFormat::kPng, "\x89PNG"}, {ImageFormat::kPdf, "%PDF"}};
    for (const auto& [format, beginning] : beginnings) {
      const auto image = RunGnuplot(GnuplotTerminal(format, figure.width, figure.height) + figure.script);
      ASSERT_TRUE(image.ok()) << figure.name << ": " << image.status();
      EXPECT_TRUE(absl::StartsWith(*image, beginning)) << figure.name;
    }
  }
}

TEST(GnuplotTest, NamesThePackageThatIsMissing) {
  const auto image = RunGnuplot("plot x\n", "gnuplot-that-is-not-there");
  EXPECT_TRUE(absl::IsFailedPrecondition(image.status())) << image.status();
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("install the package gnuplot-nox"));
}

TEST(GnuplotTest, SaysWhatIsWrongWithAScript) {
  const auto image = RunGnuplot("set terminal svg\nplot nonsense(\n");
  EXPECT_TRUE(absl::IsInternal(image.status())) << image.status();
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("expression"));
}

TEST(GnuplotTest, PicturesInAPageHaveIdsOfTheirOwn) {
  const std::string svg = InlineSvg(
      "<?xml version=\"1.0\"?>\n<svg \n width=\"30\" height=\"20\"\n viewBox=\"0 0 30 20\"\n xmlns=\"http://x\"\n "
      "xmlns:xlink=\"http://y\"\n>\n<title>Gnuplot</title>\n<g id=\"a\"><circle id='b'/><use xlink:href='#b'/>"
      "<rect width=\"30\" fill = \"url(#c)\"/></g></svg>\n",
      "p-", "A <figure>");
  EXPECT_THAT(svg, HasSubstr("aria-label=\"A &lt;figure&gt;\""));
  EXPECT_THAT(svg,
              HasSubstr("<g id=\"p-a\"><circle id='p-b'/><use href='#p-b'/><rect width=\"30\" fill = \"url(#p-c)\"/>"));
  EXPECT_THAT(svg, Not(HasSubstr("http")));
  EXPECT_THAT(svg, Not(HasSubstr("height=\"20\"")));
  EXPECT_TRUE(absl::StartsWith(svg, "<svg"));
}

// Names of bias points that have room level, aslant and upright; and ten classes.
std::vector<StudyData> StudiesOfManyLooks() {
  std::vector<StudyData> studies = {MeasuredStudy(3), StudyOfPoints(7), StudyOfPoints(4)};
  for (v1::Run& run : studies.back().jobs.front().runs) {
    for (int32_t label = 2; label < 10; ++label) {
      (*run.mutable_bias_point()->mutable_counts())[label] = 900;
      (*run.mutable_histogram()->mutable_counts())[label] = 50 * label;
      (*run.mutable_histogram()->mutable_image_measures()->mutable_classes())[label].set_frechet(label);
    }
    studies.back().jobs.front().histograms[run.id()] = {{200, run.histogram()}};
  }
  StudyData& long_names = studies.emplace_back(StudyOfPoints(7));
  int32_t count = 10000;
  for (v1::Run& run : long_names.jobs.front().runs) (*run.mutable_bias_point()->mutable_counts())[0] = ++count;
  for (StudyData& study : studies) {
    for (v1::Run& run : study.jobs.front().runs) {
      run.mutable_histogram()->mutable_image_measures()->mutable_all()->set_frechet(4);
    }
    ComputeAnew(study.jobs.front());
  }
  return studies;
}

TEST(GnuplotTest, TextStaysInsideTheDrawing) {
  // Where text is, and how it is turned.
  const std::regex place(
      "<g transform=\"translate\\(([-0-9.]+),([-0-9.]+)\\)( rotate\\([-0-9.]+\\))?\"[^>]*font-family");
  for (const StudyData& study : StudiesOfManyLooks()) {
    for (const Figure& figure : StudyFigures(study)) {
      if (!figure.missing.empty()) continue;
      const auto svg = RunGnuplot(GnuplotTerminal(ImageFormat::kSvg, figure.width, figure.height) + figure.script);
      ASSERT_TRUE(svg.ok()) << svg.status();
      int texts = 0;
      for (std::sregex_iterator it(svg->begin(), svg->end(), place); it != std::sregex_iterator(); ++it, ++texts) {
        EXPECT_GT(std::stod((*it)[1]), 0) << figure.name << *it->begin();
        EXPECT_LT(std::stod((*it)[1]), figure.width) << figure.name << *it->begin();
        EXPECT_GT(std::stod((*it)[2]), 11) << figure.name << *it->begin();
        EXPECT_LT(std::stod((*it)[2]), figure.height - 4) << figure.name << *it->begin();
      }
      EXPECT_GT(texts, 10) << figure.name;
    }
  }
}

}  // namespace
}  // namespace skew
