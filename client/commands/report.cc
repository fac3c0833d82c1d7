#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/commands/study_flags.h"
#include "client/local_file.h"
#include "client/render/format.h"
#include "client/report/csv.h"
#include "client/report/figure.h"
#include "client/report/gnuplot.h"
#include "client/report/page.h"
#include "client/report/study_data.h"
#include "client/scalar.h"
#include "common/commit.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr char kJobsText[] = "e.g. j17; several are shown together";

struct ReportFlags : StudyFlags {
  std::string out;
  std::string csv;
};

struct PlotFlags : StudyFlags {
  std::string figure;
  std::string out;
};

void NoteWritten(Session& session, const std::string& path, size_t bytes) {
  *session.err << "wrote " << path << " (" << BytesText(static_cast<int64_t>(bytes)) << ")" << std::endl;
}

absl::StatusOr<std::string> Draw(const Figure& figure, ImageFormat format) {
  return RunGnuplot(absl::StrCat(GnuplotTerminal(format, figure.width, figure.height), figure.script));
}

absl::Status WriteCsvFolder(Session& session, const StudyData& data, const std::vector<Figure>& figures,
                            const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnknownError(absl::StrCat("cannot make the folder ", folder, ": ", error.message()));
  const std::map<std::string, std::string> files = ReportFiles(data, figures);
  for (const auto& [name, content] : files) {
    SKEW_RETURN_IF_ERROR(WriteOutputFile(absl::StrCat(folder, "/", name), content));
  }
  *session.err << "wrote " << Counted(static_cast<int64_t>(files.size()), "file") << " into " << folder << std::endl;
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Report(Session& session, const ReportFlags& flags) {
  if (flags.out.empty() && flags.csv.empty()) {
    return absl::InvalidArgumentError("say where to: --out FILE.html, --csv DIR, or both");
  }
  if (!flags.out.empty()) SKEW_RETURN_IF_ERROR(CheckOutputFile(flags.out));
  if (!flags.csv.empty()) SKEW_RETURN_IF_ERROR(CheckOutputFolder(flags.csv));
  SKEW_ASSIGN_OR_RETURN(StudyData data,
                        CollectStudy(*session.client, flags.Request(), {.pictures = !flags.out.empty()}));
  data.commit = Commit();
  const std::vector<Figure> figures = StudyFigures(data);
  if (!flags.out.empty()) {
    std::map<std::string, std::string> svgs;
    for (const Figure& figure : figures) {
      if (!figure.missing.empty()) continue;
      SKEW_ASSIGN_OR_RETURN(svgs[figure.name], Draw(figure, ImageFormat::kSvg));
    }
    const std::string page = ReportPage(data, figures, svgs);
    SKEW_RETURN_IF_ERROR(WriteOutputFile(flags.out, page));
    NoteWritten(session, flags.out, page.size());
  }
  if (!flags.csv.empty()) SKEW_RETURN_IF_ERROR(WriteCsvFolder(session, data, figures, flags.csv));
  return ExitCode::kFine;
}

std::string NamesOf(const std::vector<Figure>& figures) {
  return absl::StrJoin(figures, ", ", [](std::string* out, const Figure& figure) { out->append(figure.name); });
}

absl::Status List(Session& session, const std::vector<Figure>& figures) {
  Table table({{"figure", "figure"}, {"title", "title"}, {"", "missing"}});
  for (const Figure& figure : figures) {
    const std::string shown = figure.missing.empty() ? figure.title : absl::StrCat("not yet: ", figure.missing);
    table.AddRow({figure.name, {shown, figure.title}, figure.missing});
  }
  Show(session, table);
  return CheckWritten(session);
}

std::string EndingOf(const std::string& out) {
  return absl::AsciiStrToLower(std::filesystem::path(out).extension().string());
}

absl::StatusOr<std::string> Rendered(const Figure& figure, const std::string& ending) {
  if (ending == ".csv") return figure.csv;
  if (ending == ".svg") return Draw(figure, ImageFormat::kSvg);
  if (ending == ".png") return Draw(figure, ImageFormat::kPng);
  return Draw(figure, ImageFormat::kPdf);
}

absl::Status CheckEnding(const std::string& out) {
  const std::string ending = EndingOf(out);
  if (ending == ".csv" || ending == ".svg" || ending == ".png" || ending == ".pdf") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--out ", Quoted(out), ": a figure's file ends in .png, .svg, .pdf or .csv"));
}

// What the figure needs; all that any figure does, for the list of them.
StudyParts PartsOf(const std::string& figure) {
  return {.histograms = figure.empty() || absl::StartsWith(figure, "forming-"),
          .losses = figure.empty() || absl::StartsWith(figure, "losses-")};
}

absl::StatusOr<ExitCode> Plot(Session& session, const PlotFlags& flags) {
  if (flags.figure.empty() != flags.out.empty()) {
    return absl::InvalidArgumentError("--figure and --out go together; without both, the figures are listed");
  }
  if (!flags.out.empty()) {
    SKEW_RETURN_IF_ERROR(CheckEnding(flags.out));
    SKEW_RETURN_IF_ERROR(CheckOutputFile(flags.out));
  }
  SKEW_ASSIGN_OR_RETURN(const StudyData data, CollectStudy(*session.client, flags.Request(), PartsOf(flags.figure)));
  const std::vector<Figure> figures = StudyFigures(data);
  if (flags.out.empty()) {
    SKEW_RETURN_IF_ERROR(List(session, figures));
    return ExitCode::kFine;
  }
  for (const Figure& figure : figures) {
    if (figure.name != flags.figure) continue;
    if (!figure.missing.empty()) return absl::FailedPreconditionError(absl::StrCat(figure.name, ": ", figure.missing));
    SKEW_ASSIGN_OR_RETURN(const std::string image, Rendered(figure, EndingOf(flags.out)));
    SKEW_RETURN_IF_ERROR(WriteOutputFile(flags.out, image));
    NoteWritten(session, flags.out, image.size());
    return ExitCode::kFine;
  }
  return absl::InvalidArgumentError(absl::StrCat("--figure ", Quoted(flags.figure), ": the figures of ",
                                                 absl::StrJoin(flags.jobs, " "), " are ", NamesOf(figures)));
}

}  // namespace

void AddReportCommands(CLI::App& app, Command& chosen) {
  auto report_flags = std::make_shared<ReportFlags>();
  CLI::App* report = app.add_subcommand("report", "Make one page with the figures, images and numbers of jobs");
  AddStudyFlags(*report, *report_flags, kJobsText);
  report->add_option("--out", report_flags->out, "The page, e.g. report.html");
  report->add_option("--csv", report_flags->csv, "A folder for every number of it, as CSV");
  report->callback([report_flags, &chosen] {
    chosen.run = [report_flags](Session& session) { return Report(session, *report_flags); };
  });

  auto plot_flags = std::make_shared<PlotFlags>();
  CLI::App* plot = app.add_subcommand("plot", "Draw one figure of jobs; without --figure, list the figures");
  AddStudyFlags(*plot, *plot_flags, kJobsText);
  plot->add_option("--figure", plot_flags->figure, "e.g. counts-dcgan");
  plot->add_option("--out", plot_flags->out, "A file that ends in .png, .svg, .pdf or .csv (its numbers)");
  plot->callback(
      [plot_flags, &chosen] { chosen.run = [plot_flags](Session& session) { return Plot(session, *plot_flags); }; });
}

}  // namespace skew
